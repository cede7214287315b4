package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.train.TrainingResult;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What a user wants to know after training.
 *
 * @param data what was trained and tested on
 * @param result what came out
 * @param plainMillis time of a step of plain {@code fit}; empty if it was not measured
 * @param file where the model is
 */
record TrainSummary(TrainingData data, TrainingResult result, OptionalDouble plainMillis, Path file) {

    /** How many times as fast as plain {@code fit} the last steps were. */
    OptionalDouble timesPlainFit() {
        return plainMillis.isPresent() ? result.timesPlainFit(plainMillis.getAsDouble()) : OptionalDouble.empty();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append(format(
                "Accuracy %.4f on %d test %s (%s)%s%n",
                result.accuracy(),
                data.testSize(),
                data.examples(),
                data.name(),
                result.images() == 0 ? "" : format(", training loss %.4f", result.loss())));
        text.append(format(
                "Trained %d %s in %.1f s, %.1f %s/s; profiling took %.1f s%n",
                result.images(),
                data.examples(),
                result.seconds(),
                result.imagesPerSecond(),
                data.examples(),
                result.profilingSeconds()));
        timesPlainFit()
                .ifPresent(times -> text.append(format(
                        "%.1f times as fast as plain fit: %.0f ms a step instead of %.0f ms%n",
                        times, result.stepMillis(), plainMillis.orElseThrow())));
        result.report().verification().ifPresent(found -> text.append(format("First step %s%n", found)));
        text.append(format("Plan: %s%n", inWords(result.plan())));
        text.append(why());
        text.append(format("Model saved to %s%n", file));
        return text.toString();
    }

    private String why() {
        List<MeasuredPlan> measured = result.report().measured();
        boolean settled = result.report().settled();
        if (measured.isEmpty()) {
            return settled || result.images() == 0
                    ? ""
                    : format("  predicted to be the fastest; training was too short to try others%n");
        }
        StringBuilder text = new StringBuilder(
                settled
                        ? format("  chosen by measured steps, in ms:%n")
                        : format("  training ended while plans took turns; steps so far, in ms:%n"));
        for (MeasuredPlan tried : measured) {
            text.append(format("    %-36s %7.1f%n", tried.plan().kind(), tried.stepMillis()));
        }
        return text.toString();
    }

    /** Such as {@code data parallel, 2 workers, each with the whole network; 2 micro-batches of 32 images}. */
    private String inWords(PartitionPlan plan) {
        int stages = plan.stages().size();
        int threads = plan.stages().get(0).device().threads();
        String kind = plan.kind().toString();
        String how;
        if (plan.tiling().isPresent()) {
            how = "vertices in tiles on all devices";
        } else if (plan.workers() == 1) {
            how = threads == 1 ? "one core runs all" : "each operation uses " + threads + " cores";
        } else if (stages == 1) {
            how = plan.workers() + " workers, each with the whole network";
        } else {
            how = stages + " stages on " + plan.workers() + " workers";
        }
        String parts = plan.microBatches() == 1
                ? "batches in one piece"
                : plan.microBatches() + " micro-batches of " + Math.max(1, plan.examples() / plan.microBatches()) + " "
                        + data.examples();
        return kind + ", " + how + "; " + parts;
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
