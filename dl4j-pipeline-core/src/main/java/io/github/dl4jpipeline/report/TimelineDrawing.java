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

/**
 * Draws a step with letters: a row for each worker, and one for each route of transfers. With many micro-batches letters stand for
 * passes, and a second row has the numbers of micro-batches where they have room.
 */
final class TimelineDrawing {
    private static final int COLUMNS = 72;
    private static final char WAITING = '.';
    private static final char TRANSFER = '=';

    /** With more, a digit for each is not enough. */
    private static final int FEW_MICRO_BATCHES = 10;

    private final double millisPerColumn;
    private final Map<String, char[]> rows = new LinkedHashMap<>();
    private final Map<String, char[]> numbers = new LinkedHashMap<>();

    private final boolean weightsApart;
    private final boolean many;

    private TimelineDrawing(Timeline tasks) {
        many = tasks.spans().stream().anyMatch(span -> span.task().microBatch() >= FEW_MICRO_BATCHES);
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
            drawing.draw(name, drawing.letter(span.task()), span.startMillis(), span.endMillis());
            drawing.number(name, span);
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

    /**
     * Few micro-batches are counted in digits forward, and in letters backward, capitals for parameter gradients apart. With many,
     * the letter is that of the pass, small for every second micro-batch.
     */
    private char letter(Task task) {
        int microBatch = task.microBatch();
        if (many) {
            char pass = task.pass().name().charAt(0);
            return microBatch % 2 == 0 ? pass : Character.toLowerCase(pass);
        }
        return switch (task.pass()) {
            case FORWARD -> (char) ('0' + microBatch);
            case BACKWARD -> (char) ('a' + microBatch);
            case WEIGHTS -> (char) ('A' + microBatch);
        };
    }

    /** Writes the micro-batch of a task below it, if it has room. */
    private void number(String name, Timeline.Span span) {
        if (!many) {
            return;
        }
        char[] row = numbers.computeIfAbsent(name, added -> blank(' '));
        String number = String.valueOf(span.task().microBatch());
        int from = column(span.startMillis());
        int to = end(span.endMillis());
        boolean free = from == 0 || row[from - 1] == ' ';
        if (free && number.length() <= to - from) {
            number.getChars(0, number.length(), row, from);
        }
    }

    private char[] row(String name) {
        return rows.computeIfAbsent(name, added -> blank(WAITING));
    }

    private static char[] blank(char with) {
        char[] row = new char[COLUMNS];
        Arrays.fill(row, with);
        return row;
    }

    private int column(double millis) {
        return Math.min(COLUMNS - 1, (int) (millis / millisPerColumn));
    }

    private int end(double millis) {
        return Math.min(COLUMNS, (int) Math.ceil(millis / millisPerColumn));
    }

    /** At least one letter, however short. */
    private void draw(String name, char letter, double startMillis, double endMillis) {
        int from = column(startMillis);
        Arrays.fill(row(name), from, Math.max(from + 1, end(endMillis)), letter);
    }

    private String text() {
        int width = rows.keySet().stream().mapToInt(String::length).max().orElse(0);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "last step, %.2f ms a column (%s, %s transfers, %s waiting):%n",
                millisPerColumn,
                many ? passes() : microBatches(),
                TRANSFER,
                WAITING));
        rows.forEach((name, row) -> {
            text.append(String.format("  %-" + width + "s |%s|%n", name, new String(row)));
            if (numbers.containsKey(name)) {
                String below = new String(numbers.get(name)).stripTrailing();
                text.append(String.format("  %-" + width + "s  %s%n", "", below));
            }
        });
        return text.toString();
    }

    private String microBatches() {
        return "0, 1, ... forward and a, b, ... backward of micro-batches"
                + (weightsApart ? ", A, B, ... their parameter gradients" : "");
    }

    private String passes() {
        return "F, f forward, B, b backward" + (weightsApart ? ", W, w parameter gradients" : "")
                + ", small for odd micro-batches, numbers below where they have room";
    }
}
