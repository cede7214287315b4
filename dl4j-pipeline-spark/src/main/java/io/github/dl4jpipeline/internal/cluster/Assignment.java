package io.github.dl4jpipeline.internal.cluster;

import java.io.Serializable;

/**
 * What workers are to train, the same for all. Text and numbers, so that any version of Spark's serializers takes it.
 *
 * @param configuration the graph's, as JSON
 * @param plan as JSON; its devices only count the replicas
 * @param parameters elements of the model's parameters
 * @param state elements of its updater state
 * @param from where training goes on
 * @param untilEpoch how many epochs there are when it is done
 * @param checkpointEvery steps between two checkpoints; 0 for none but the last
 * @param perMicroBatch whether batch normalization may take the statistics of micro-batches
 */
public record Assignment(
        String configuration,
        String plan,
        long parameters,
        long state,
        Progress from,
        int untilEpoch,
        int checkpointEvery,
        boolean perMicroBatch)
        implements Serializable {}
