package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.partition.PartitionPlan;
import java.time.Duration;
import java.util.Optional;

/**
 * Checked settings.
 *
 * @param checkpointEvery steps between two checkpoints; 0 for none
 * @param checkpointPath a directory for checkpoints; empty to keep them in memory only
 * @param waitForExecutors how long to wait for enough cores
 */
public record SparkSettings(
        PartitionPlan plan,
        boolean perMicroBatch,
        int checkpointEvery,
        Optional<String> checkpointPath,
        int maxRestarts,
        Duration waitForExecutors) {}
