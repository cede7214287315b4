package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

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

    private static void appendTable(StringBuilder text, PartitionPlan plan) {
        double total = plan.stages().stream()
                .mapToDouble(stage -> stage.forwardMillis() + stage.backwardMillis())
                .sum();
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {
            "stage", "device", "threads", "vertices", "forward", "backward", "share", "sends", "memory"
        });
        for (int i = 0; i < plan.stages().size(); i++) {
            Stage stage = plan.stages().get(i);
            double millis = stage.forwardMillis() + stage.backwardMillis();
            rows.add(new String[] {
                String.valueOf(i),
                stage.devices().stream().map(Device::id).collect(Collectors.joining(", ")),
                String.valueOf(stage.device().threads()),
                vertices(stage.vertices()),
                format("%.1f ms", stage.forwardMillis()),
                format("%.1f ms", stage.backwardMillis()),
                total == 0 ? "" : format("%.0f %%", 100 * millis / total),
                megabytes(stage.sentBytes()),
                megabytes(stage.memoryBytes()) + (stage.recompute() ? ", computes activations again" : "")
            });
        }
        int[] widths = new int[rows.get(0).length];
        for (String[] row : rows) {
            for (int column = 0; column < row.length; column++) {
                widths[column] = Math.max(widths[column], row[column].length());
            }
        }
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < row.length; column++) {
                String padding = " ".repeat(widths[column] - row[column].length());
                boolean isText = column == 1 || column == 3;
                line.append(isText ? row[column] + padding : padding + row[column])
                        .append("  ");
            }
            text.append(line.toString().stripTrailing()).append(System.lineSeparator());
        }
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
