package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.Locale;
import java.util.Optional;

/** Says when steps are far from what was predicted, and from which cause that comes most often. */
final class Deviation {
    /** Steps, and times of stages, that differ by less are as predicted. */
    private static final double FAR = 1.25;

    /** The first steps make arrays, and their code is still being compiled. */
    private static final int FEW_STEPS = 5;

    private Deviation() {}

    /** A sentence without its full stop; empty where steps are about as predicted, or nothing was. */
    static Optional<String> of(PartitionPlan plan, MeasuredSteps measured) {
        double predicted = plan.predictedStepTime().toNanos() / 1e6;
        if (predicted == 0 || measured.steps() == 0) {
            return Optional.empty();
        }
        double ratio = measured.stepMillis() / predicted;
        if (ratio <= FAR && ratio >= 1 / FAR) {
            return Optional.empty();
        }
        return Optional.of(String.format(
                Locale.ROOT, "Measured is %.2f times predicted; likely since %s", ratio, cause(plan, measured, ratio)));
    }

    private static String cause(PartitionPlan plan, MeasuredSteps measured, double ratio) {
        if (measured.steps() < FEW_STEPS) {
            return "the first steps take longer: they make arrays, and code is still being compiled";
        }
        if (ratio < 1) {
            return "the machine was busy, or code was not compiled yet, when the profile was taken";
        }
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        int slowest = 0;
        for (int i = 0; i < measured.stages().size(); i++) {
            double slowdown = measured.stages().get(i).busyMillis() / predictedBusyMillis(plan, i);
            least = Math.min(least, slowdown);
            if (slowdown > most) {
                most = slowdown;
                slowest = i;
            }
        }
        if (most <= FAR) {
            return "workers wait for each other: other programs use their cores, or tasks are too short for many micro-batches";
        }
        if (measured.stages().size() > 1 && most > FAR * least) {
            return "stage " + slowest + " is slowed down: another program uses its device";
        }
        return "all stages are slowed down: other programs run, or the processor has slowed down since the profile was taken";
    }

    /** The predicted time of each replica of a stage in tasks, for a step. */
    static double predictedBusyMillis(PartitionPlan plan, int stage) {
        Stage planned = plan.stages().get(stage);
        return (planned.forwardMillis() + planned.backwardMillis()) * plan.microBatches() / planned.replicas();
    }
}
