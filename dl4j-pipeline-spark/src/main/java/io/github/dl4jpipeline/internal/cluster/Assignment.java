package io.github.dl4jpipeline.internal.cluster;

import java.io.Serializable;

/**
 * What workers are to train, the same for all. Text and numbers, so that any version of Spark's serializers takes it.
 *
 * @param configuration the graph's, as JSON
 * @param plan as JSON; its devices only count the replicas
 * @param parameters elements of the model's parameters
 * @param state elements of its updater state
 * @param iteration steps done before
 * @param epoch epochs done before
 * @param skip batches to skip, which have been trained in the first epoch already
 * @param epochs how many to train, with what is left of the first
 * @param batches of one epoch
 * @param checkpointEvery steps between two checkpoints; 0 for none but the last
 * @param perMicroBatch whether batch normalization may take the statistics of micro-batches
 */
public record Assignment(
        String configuration,
        String plan,
        long parameters,
        long state,
        int iteration,
        int epoch,
        long skip,
        int epochs,
        long batches,
        int checkpointEvery,
        boolean perMicroBatch)
        implements Serializable {}
