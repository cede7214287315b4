package io.github.dl4jpipeline.schedule;

import java.util.Collections;
import java.util.List;

/**
 * Who runs the tasks of a step: a stage with {@code R} replicas has {@code R} workers, and micro-batch {@code m} goes to
 * replica {@code m mod R}. Workers are counted through: all of stage 0, then all of stage 1, and so on.
 *
 * @param replicas number of replicas of each stage
 */
public record Workers(List<Integer> replicas) {

    public Workers {
        replicas = List.copyOf(replicas);
        if (replicas.isEmpty() || replicas.stream().anyMatch(number -> number < 1)) {
            throw new IllegalArgumentException("Every stage needs at least 1 replica, got " + replicas);
        }
    }

    /** One worker for each stage. */
    public static Workers straight(int stages) {
        return new Workers(Collections.nCopies(stages, 1));
    }

    public int stages() {
        return replicas.size();
    }

    /** Number of workers. */
    public int count() {
        return countFrom(0);
    }

    /** Number of workers of a stage and those after it. */
    int countFrom(int stage) {
        return replicas.subList(stage, stages()).stream()
                .mapToInt(Integer::intValue)
                .sum();
    }

    public int replicas(int stage) {
        return replicas.get(stage);
    }

    /** The worker of a stage's replica. */
    public int worker(int stage, int replica) {
        return count() - countFrom(stage) + replica;
    }

    /** The worker that runs a task. */
    public int workerOf(Task task) {
        return worker(task.stage(), task.microBatch() % replicas(task.stage()));
    }
}
