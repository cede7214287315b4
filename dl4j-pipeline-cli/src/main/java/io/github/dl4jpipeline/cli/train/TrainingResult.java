package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.PipelineReport;

/**
 * What came out of a run.
 *
 * @param accuracy share of the test images, or of the characters to tell, that are classified rightly, from 0 to 1
 * @param loss mean training loss over the last epoch; not a number if all epochs were trained before
 * @param seconds time of the training steps, without checkpoints and test
 * @param images number of images or other examples trained on, each epoch's counted again
 * @param plan the plan that was followed
 * @param report what was measured beside it
 */
public record TrainingResult(
        double accuracy, double loss, double seconds, long images, PartitionPlan plan, PipelineReport report) {

    public double imagesPerSecond() {
        return images == 0 ? 0 : images / seconds;
    }
}
