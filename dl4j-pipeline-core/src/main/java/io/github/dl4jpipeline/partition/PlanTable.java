package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.Bytes;
import io.github.dl4jpipeline.internal.partition.TextTable;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Lays a plan out as a table, with what its words mean. */
final class PlanTable {
    /** A smaller factor is printed as 1.00. */
    private static final double VISIBLE = 1.005;

    /** Characters in a line of a table. */
    private static final int WIDTH = 80;

    private final PartitionPlan plan;
    private final String example;
    private final String examples;

    private PlanTable(PartitionPlan plan, String example, String examples) {
        this.plan = plan;
        this.example = example;
        this.examples = examples;
    }

    /**
     * The plan as text.
     *
     * @param example what a batch has several of
     * @param examples the same for several
     */
    static String of(PartitionPlan plan, String example, String examples) {
        return new PlanTable(plan, example, examples).text();
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        text.append(format(
                "Plan: %s, %s of %s, schedule %s%n",
                count(plan.stages().size(), "stage", "stages"),
                count(plan.microBatches(), "micro-batch", "micro-batches"),
                count(Math.max(1, plan.examples() / plan.microBatches()), example, examples),
                plan.schedule().name() + (plan.taskWorkers().interleaved() ? ", interleaved" : "")));
        text.append(stages());
        if (plan.grouped() > 1) {
            text.append(format(
                    "Dense layers of stage %d run %d micro-batches as one.%n",
                    plan.stages().size() - 1, plan.grouped()));
        }
        plan.tiling().ifPresent(tiling -> text.append(format("Tiles: %s%n", tiling)));
        boolean predicted = !plan.predictedStepTime().isZero();
        if (predicted) {
            text.append(format(
                    "Predicted step of %s, forward and backward: %s ms, latest %s ms, bubble %.0f %%.%n",
                    count(plan.examples(), example, examples),
                    millis(plan.predictedStepTime()),
                    millis(plan.latestExecutionTime()),
                    100 * plan.bubble()));
            text.append(verdict());
        }
        plan.notes().forEach(note -> text.append(format("Note: %s%n", note)));
        return text.append(terms(predicted)).toString();
    }

    private String stages() {
        List<Stage> stages = plan.stages();
        double total = stages.stream().mapToDouble(PlanTable::passMillis).sum();
        TextTable table =
                new TextTable("stage", "device", "vertices", "fwd ms", "bwd ms", "share %", "sends", "memory");
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            table.row(
                    String.valueOf(i),
                    names(stage.devices().stream().map(Device::id).toList()) + threads(stage.device()),
                    names(stage.vertices()),
                    format("%.1f", stage.forwardMillis()),
                    format("%.1f", stage.backwardMillis()),
                    total == 0 ? "" : format("%.0f", 100 * passMillis(stage) / total),
                    Bytes.text(stage.sentBytes()),
                    Bytes.text(stage.memoryBytes()) + (stage.recompute() ? " *" : ""));
        }
        return table.within(WIDTH);
    }

    private String verdict() {
        double speedUp = (double) plan.oneDeviceTime().toNanos()
                / plan.predictedStepTime().toNanos();
        String text = format("Verdict: %s", plan.kind());
        if (plan.tiling().isPresent()) {
            text += format(", %.2f times as fast as one device, into whose memory it does not fit.%n", speedUp);
        } else if (plan.workers() == 1 && plan.stages().get(0).device().threads() == 1) {
            text += format(".%n");
        } else if (speedUp >= 1) {
            text += format(
                    ", %.2f times as fast as one of its devices (%s ms).%n", speedUp, millis(plan.oneDeviceTime()));
        } else {
            text += 1 / speedUp < VISIBLE
                    ? ", no faster than one of its devices"
                    : format(", although one device would be %.2f times as fast", 1 / speedUp);
            text += format("; leave stages and replicas to the planner, or allow more micro-batches.%n");
        }
        return text + alternatives();
    }

    private String alternatives() {
        if (plan.alternatives().isEmpty()) {
            return "";
        }
        TextTable table = new TextTable("Instead", "stages", "workers", "micro", "step ms", "this plan's");
        for (Alternative other : plan.alternatives()) {
            table.row(
                    other.kind(),
                    String.valueOf(other.stages()),
                    String.valueOf(other.workers()),
                    String.valueOf(other.microBatches()),
                    millis(other.predictedStepTime()),
                    format(
                            "%.2f times",
                            (double) other.predictedStepTime().toNanos()
                                    / plan.predictedStepTime().toNanos()));
        }
        return table.within(WIDTH);
    }

    private String terms(boolean predicted) {
        StringBuilder text = new StringBuilder(
                format("Terms: fwd, bwd: forward, backward pass of a micro-batch. share: of the time of%n"
                        + "  all stages. sends: of a micro-batch to later stages. memory: of a replica;%n"
                        + "  parameters, gradients, updater state, activations in flight.%n"));
        if (plan.stages().stream().anyMatch(Stage::recompute)) {
            text.append(format("  *: computes activations again in backward passes.%n"));
        }
        if (!plan.alternatives().isEmpty()) {
            text.append(format("  micro: micro-batches.%n"));
        }
        if (predicted) {
            text.append(format("  latest: when nearly all steps end. bubble: share of a step that workers wait.%n"));
        }
        if (plan.stages().size() > 1 && !plan.schedule().description().isEmpty()) {
            text.append(format(
                    "  %s: %s.%n", plan.schedule().name(), plan.schedule().description()));
        }
        return text.toString();
    }

    private static double passMillis(Stage stage) {
        return stage.forwardMillis() + stage.backwardMillis();
    }

    private static String threads(Device device) {
        return device.threads() == 1 ? "" : " (" + device.threads() + " threads)";
    }

    private static String names(List<String> names) {
        return names.size() <= 3
                ? String.join(", ", names)
                : names.get(0) + " … " + names.get(names.size() - 1) + " (" + names.size() + ")";
    }

    private static String millis(Duration time) {
        return format("%.1f", time.toNanos() / 1e6);
    }

    private static String count(int number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
