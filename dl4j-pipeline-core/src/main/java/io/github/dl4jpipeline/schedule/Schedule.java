package io.github.dl4jpipeline.schedule;

import java.util.List;

/** A rule for the order in which each stage runs its tasks. */
public interface Schedule {
    /** Name for people. */
    String name();

    /**
     * The tasks of one step.
     *
     * @param stages number of stages, at least 1
     * @param microBatches number of micro-batches, at least 1
     * @return for each stage its tasks in order: each micro-batch once forward and once backward
     */
    List<List<Task>> tasks(int stages, int microBatches);
}
