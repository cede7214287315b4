package io.github.dl4jpipeline.schedule;

import java.util.List;

/** A rule for the order in which each worker runs its tasks. */
public interface Schedule {
    /** Name for people. */
    String name();

    /**
     * The tasks of one step.
     *
     * @param workers the replicas of each stage
     * @param microBatches number of micro-batches, at least 1
     * @return for each worker its tasks in order: each of its micro-batches once forward and once backward. A worker has
     *     none where there are fewer micro-batches than replicas
     */
    List<List<Task>> tasks(Workers workers, int microBatches);
}
