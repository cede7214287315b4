package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.PipelineReport;
import java.util.OptionalDouble;

/**
 * What came out of a run.
 *
 * @param accuracy share of the test images, or of the characters to tell, that are classified rightly, from 0 to 1
 * @param loss mean training loss over the last epoch; not a number if all epochs were trained before
 * @param seconds time of the training steps, without profiling, checkpoints and test
 * @param profilingSeconds time of profiling and planning
 * @param images number of images or other examples trained on, each epoch's counted again
 * @param stepMillis median time of the last steps with this plan, updates included; zero if there was none
 * @param plan the plan that was chosen
 * @param report what was measured beside it
 */
public record TrainingResult(
        double accuracy,
        double loss,
        double seconds,
        double profilingSeconds,
        long images,
        double stepMillis,
        PartitionPlan plan,
        PipelineReport report) {

    public double imagesPerSecond() {
        return images == 0 ? 0 : images / seconds;
    }

    /** How many times as fast as a plain step its steps were; empty if there was none. */
    public OptionalDouble timesPlainFit(double plainMillis) {
        return stepMillis == 0 ? OptionalDouble.empty() : OptionalDouble.of(plainMillis / stepMillis);
    }
}
