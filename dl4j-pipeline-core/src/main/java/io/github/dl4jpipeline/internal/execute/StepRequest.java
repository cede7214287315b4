package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.stage.MicroBatch;

/**
 * What a training step is to compute.
 *
 * @param batch the whole batch
 * @param iteration number of steps done before
 * @param epoch number of epochs done before
 * @param regularization the graph's regularization term, part of the score
 * @param keepActivations whether the activations of all vertices are wanted
 */
public record StepRequest(MicroBatch batch, int iteration, int epoch, double regularization, boolean keepActivations) {}
