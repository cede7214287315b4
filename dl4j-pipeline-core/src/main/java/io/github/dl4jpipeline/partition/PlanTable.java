package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Lays a plan out as a table. */
final class PlanTable {
    /** A smaller factor is printed as 1.00. */
    private static final double VISIBLE = 1.005;

    private PlanTable() {}

    static String of(PartitionPlan plan) {
        StringBuilder text = new StringBuilder();
        text.append(format(
                "Plan: %s, %s of %s, schedule %s%n",
                count(plan.stages().size(), "stage", "stages"),
                count(plan.microBatches(), "micro-batch", "micro-batches"),
                count(Math.max(1, plan.examples() / plan.microBatches()), "example", "examples"),
                plan.schedule().name() + (plan.taskWorkers().interleaved() ? ", interleaved" : "")));
        appendTable(text, plan);
        plan.tiling().ifPresent(tiling -> text.append(format("Tiles: %s%n", tiling)));
        boolean predicted = !plan.predictedStepTime().isZero();
        if (predicted) {
            text.append(format(
                    "Predicted forward and backward: %s a step of %s, latest %s (one device: %s), bubble %.0f %%.%n",
                    millis(plan.predictedStepTime()),
                    count(plan.examples(), "example", "examples"),
                    millis(plan.latestExecutionTime()),
                    millis(plan.oneDeviceTime()),
                    100 * plan.bubble()));
            text.append(verdict(plan));
        }
        plan.notes().forEach(note -> text.append(format("Note: %s%n", note)));
        return text.toString();
    }

    private static String verdict(PartitionPlan plan) {
        double speedUp = (double) plan.oneDeviceTime().toNanos()
                / plan.predictedStepTime().toNanos();
        String text = format("Verdict: %s", plan.kind());
        if (plan.tiling().isPresent()) {
            text += format(", %.2f times as fast as one device, into whose memory it does not fit.%n", speedUp);
        } else if (plan.workers() == 1 && plan.stages().get(0).device().threads() == 1) {
            text += format(".%n");
        } else if (speedUp >= 1) {
            text += format(", %.2f times as fast as one of its devices.%n", speedUp);
        } else {
            text += 1 / speedUp < VISIBLE
                    ? ", no faster than one of its devices"
                    : format(", although one device would be %.2f times as fast", 1 / speedUp);
            text += format("; leave stages and replicas to the planner, or allow more micro-batches.%n");
        }
        if (!plan.alternatives().isEmpty()) {
            text += plan.alternatives().stream()
                    .map(PlanTable::alternative)
                    .collect(Collectors.joining("; ", "Instead: ", format(".%n")));
        }
        return text;
    }

    private static String alternative(Alternative other) {
        String size = other.workers() == 1
                ? ""
                : format(
                        " (%s, %s)",
                        count(other.stages(), "stage", "stages"), count(other.workers(), "worker", "workers"));
        return format(
                "%s%s %s with %s",
                other.kind(),
                size,
                millis(other.predictedStepTime()),
                count(other.microBatches(), "micro-batch", "micro-batches"));
    }

    /** A column of the table of stages: its title, and what it says of a stage. Text stands left, numbers right. */
    private record Column(String title, boolean isText, IntFunction<String> ofStage) {}

    private static List<Column> columns(PartitionPlan plan) {
        List<Stage> stages = plan.stages();
        double total = stages.stream().mapToDouble(PlanTable::passMillis).sum();
        return List.of(
                new Column("stage", false, String::valueOf),
                new Column("device", true, i -> stages.get(i).devices().stream()
                        .map(Device::id)
                        .collect(Collectors.joining(", "))),
                new Column(
                        "threads",
                        false,
                        i -> String.valueOf(stages.get(i).device().threads())),
                new Column("vertices", true, i -> vertices(stages.get(i).vertices())),
                new Column(
                        "forward", false, i -> format("%.1f ms", stages.get(i).forwardMillis())),
                new Column(
                        "backward", false, i -> format("%.1f ms", stages.get(i).backwardMillis())),
                new Column(
                        "share",
                        false,
                        i -> total == 0 ? "" : format("%.0f %%", 100 * passMillis(stages.get(i)) / total)),
                new Column("sends", false, i -> megabytes(stages.get(i).sentBytes())),
                new Column(
                        "memory",
                        false,
                        i -> megabytes(stages.get(i).memoryBytes())
                                + (stages.get(i).recompute() ? ", computes activations again" : "")));
    }

    private static double passMillis(Stage stage) {
        return stage.forwardMillis() + stage.backwardMillis();
    }

    private static void appendTable(StringBuilder text, PartitionPlan plan) {
        List<StringBuilder> lines = new ArrayList<>();
        for (int line = 0; line <= plan.stages().size(); line++) {
            lines.add(new StringBuilder());
        }
        for (Column column : columns(plan)) {
            List<String> cells = new ArrayList<>(List.of(column.title()));
            IntStream.range(0, plan.stages().size()).mapToObj(column.ofStage()).forEach(cells::add);
            int width = cells.stream().mapToInt(String::length).max().orElse(0);
            for (int line = 0; line < cells.size(); line++) {
                String padding = " ".repeat(width - cells.get(line).length());
                lines.get(line)
                        .append(column.isText() ? cells.get(line) + padding : padding + cells.get(line))
                        .append("  ");
            }
        }
        lines.forEach(line -> text.append(line.toString().stripTrailing()).append(System.lineSeparator()));
    }

    private static String vertices(List<String> names) {
        return names.size() <= 3
                ? String.join(", ", names)
                : names.get(0) + " … " + names.get(names.size() - 1) + " (" + names.size() + ")";
    }

    private static String megabytes(long bytes) {
        return format("%.1f MB", bytes / 1e6);
    }

    private static String millis(Duration time) {
        return format("%.1f ms", time.toNanos() / 1e6);
    }

    private static String count(int number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
