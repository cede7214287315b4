package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Draws a step with letters: a row for each worker, and one for each route of transfers. */
final class TimelineDrawing {
    private static final int COLUMNS = 72;
    private static final char WAITING = '.';
    private static final char TRANSFER = '=';

    private final double millisPerColumn;
    private final Map<String, char[]> rows = new LinkedHashMap<>();

    private final boolean weightsApart;

    private TimelineDrawing(Timeline tasks) {
        millisPerColumn = tasks.makespanMillis() / COLUMNS;
        weightsApart = tasks.spans().stream().anyMatch(span -> span.task().pass() == Task.Pass.WEIGHTS);
    }

    static String of(PartitionPlan plan, StepTimeline step) {
        Timeline tasks = step.tasks();
        TimelineDrawing drawing = new TimelineDrawing(tasks);
        List<String> names = new ArrayList<>();
        for (int worker = 0; worker < tasks.workers().count(); worker++) {
            names.add(new WorkerNames(plan, tasks.workers()).of(worker));
            drawing.row(names.get(worker));
        }
        for (Timeline.Span span : tasks.spans()) {
            String name = names.get(span.worker());
            drawing.draw(name, letter(span.task()), span.startMillis(), span.endMillis());
        }
        Map<Transfers.Kind, List<StepTimeline.Transfer>> byKind = step.transfers().stream()
                .collect(Collectors.groupingBy(transfer -> transfer.route().kind()));
        for (Transfers.Kind kind : Transfers.Kind.values()) {
            for (StepTimeline.Transfer transfer : byKind.getOrDefault(kind, List.of())) {
                String name = kind + ", " + transfer.route().from() + " to "
                        + transfer.route().to();
                drawing.draw(name, TRANSFER, transfer.startMillis(), transfer.endMillis());
            }
        }
        return drawing.text();
    }

    /** Micro-batches are counted in digits forward, and in letters backward, capitals for parameter gradients apart. */
    private static char letter(Task task) {
        int microBatch = task.microBatch();
        return switch (task.pass()) {
            case FORWARD -> (char) ('0' + microBatch % 10);
            case BACKWARD -> (char) ('a' + microBatch % 26);
            case WEIGHTS -> (char) ('A' + microBatch % 26);
        };
    }

    private char[] row(String name) {
        return rows.computeIfAbsent(name, added -> {
            char[] row = new char[COLUMNS];
            Arrays.fill(row, WAITING);
            return row;
        });
    }

    /** At least one letter, however short. */
    private void draw(String name, char letter, double startMillis, double endMillis) {
        int from = Math.min(COLUMNS - 1, (int) (startMillis / millisPerColumn));
        int to = Math.min(COLUMNS, (int) Math.ceil(endMillis / millisPerColumn));
        Arrays.fill(row(name), from, Math.max(from + 1, to), letter);
    }

    private String text() {
        int width = rows.keySet().stream().mapToInt(String::length).max().orElse(0);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "last step, %.2f ms a column (0, 1, ... forward and a, b, ... backward of micro-batches, %s%s transfers, %s waiting):%n",
                millisPerColumn,
                weightsApart ? "A, B, ... their parameter gradients, " : "",
                TRANSFER,
                WAITING));
        rows.forEach((name, row) -> text.append(String.format("  %-" + width + "s |%s|%n", name, new String(row))));
        return text.toString();
    }
}
