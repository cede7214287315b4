package io.github.dl4jpipeline.partition;

import java.time.Duration;

/**
 * The best way of its kind to train a graph, which a plan has been compared with.
 *
 * @param kind what it is in words, such as {@code data parallel}
 * @param stages number of stages
 * @param workers number of workers, the replicas of all stages
 * @param microBatches number of micro-batches
 * @param predictedStepTime predicted time of a step
 */
public record Alternative(String kind, int stages, int workers, int microBatches, Duration predictedStepTime) {}
