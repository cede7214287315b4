package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.model.PipelineChoice;

/**
 * How to train.
 *
 * @param epochs number of epochs in all, those before a checkpoint included
 * @param batch images of a batch
 * @param seed of the order of images
 * @param pipeline how the pipeline is set up
 */
public record TrainingSettings(int epochs, int batch, long seed, PipelineChoice pipeline) {}
