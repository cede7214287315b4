package io.github.dl4jpipeline.report;

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
    static Optional<String> of(PipelineReport report) {
        double predicted = report.plan().predictedStepTime().toNanos() / 1e6;
        if (predicted == 0 || report.steps() == 0) {
            return Optional.empty();
        }
        double ratio = report.stepMillis() / predicted;
        if (ratio <= FAR && ratio >= 1 / FAR) {
            return Optional.empty();
        }
        return Optional.of(
                String.format(Locale.ROOT, "Measured is %.2f times predicted; likely since %s", ratio, cause(report, ratio)));
    }

    private static String cause(PipelineReport report, double ratio) {
        if (report.steps() < FEW_STEPS) {
            return "the first steps take longer: they make arrays, and code is still being compiled";
        }
        if (ratio < 1) {
            return "the machine was busy, or code was not compiled yet, when the profile was taken";
        }
        double least = Double.POSITIVE_INFINITY;
        double most = 0;
        int slowest = 0;
        for (int i = 0; i < report.stages().size(); i++) {
            double slowdown = report.stages().get(i).busyMillis() / predictedBusyMillis(report, i);
            least = Math.min(least, slowdown);
            if (slowdown > most) {
                most = slowdown;
                slowest = i;
            }
        }
        if (most <= FAR) {
            return "workers wait for each other: other programs use their cores, or tasks are too short for many micro-batches";
        }
        if (report.stages().size() > 1 && most > FAR * least) {
            return "stage " + slowest + " is slowed down: another program uses its device";
        }
        return "all stages are slowed down: other programs run, or the processor has slowed down since the profile was taken";
    }

    /** The predicted time of each replica of a stage in tasks, for a step. */
    static double predictedBusyMillis(PipelineReport report, int stage) {
        Stage planned = report.plan().stages().get(stage);
        return (planned.forwardMillis() + planned.backwardMillis())
                * report.plan().microBatches()
                / planned.replicas();
    }
}
