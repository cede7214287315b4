package io.github.dl4jpipeline.schedule;

import java.util.List;

/** A rule for the order in which each worker runs its tasks. */
public interface Schedule {
    /** Its name, for people and files. */
    String name();

    /**
     * Whether parameter gradients that can wait have a task of their own after the backward task. A micro-batch is in flight
     * until that has ended.
     */
    default boolean splitsBackward() {
        return false;
    }

    /** How plans with it are told apart from those with the usual schedule, such as {@code zero-bubble}; empty for the usual ones. */
    default String adjective() {
        return "";
    }

    /** The order of its tasks in a few words, for people; empty if its name says it. */
    default String description() {
        return "";
    }

    /** The task with which a micro-batch leaves a stage. */
    default Task.Pass lastPass() {
        return splitsBackward() ? Task.Pass.WEIGHTS : Task.Pass.BACKWARD;
    }

    /**
     * The tasks of one step.
     *
     * @param workers the replicas of each stage
     * @param microBatches number of micro-batches, at least 1
     * @return for each worker its tasks in order: each of its micro-batches once in each pass. A worker has none where there
     *     are fewer micro-batches than replicas
     */
    List<List<Task>> tasks(Workers workers, int microBatches);
}
