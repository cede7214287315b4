package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.partition.PartitionPlan;
import java.time.Duration;
import java.util.Optional;

/**
 * Checked settings.
 *
 * @param plan how to train; empty to make a plan in the first {@code fit}
 * @param choice what is fixed of such a plan
 * @param checkpointEvery steps between two checkpoints; 0 for none
 * @param checkpointPath a directory for checkpoints; empty to keep them in memory only
 * @param waitForExecutors how long to wait for enough cores
 */
public record SparkSettings(
        Optional<PartitionPlan> plan,
        Choice choice,
        boolean perMicroBatch,
        int checkpointEvery,
        Optional<String> checkpointPath,
        int maxRestarts,
        Duration waitForExecutors) {}
