package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.Task;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * The tasks of a step for a number of micro-batches, and which replica each micro-batch uses.
 *
 * @param tasks by stage, in order
 * @param replicaOf by micro-batch; one replica serves several, one after the other
 * @param replicas number of replicas needed
 */
record Program(List<List<Task>> tasks, List<Integer> replicaOf, int replicas) {

    static Program of(Schedule schedule, int stages, int microBatches) {
        double[] unit = new double[stages];
        Arrays.fill(unit, 1);
        ScheduleSimulator.simulate(schedule, unit, unit, microBatches); // throws if the schedule cannot work
        List<List<Task>> tasks = schedule.tasks(stages, microBatches);
        List<Integer> replicaOf = Arrays.asList(new Integer[microBatches]);
        TreeSet<Integer> free = new TreeSet<>();
        int replicas = 0;
        // A micro-batch enters and leaves the pipeline at stage 0.
        for (Task task : tasks.get(0)) {
            if (task.pass() == Task.Pass.BACKWARD) {
                free.add(replicaOf.get(task.microBatch()));
            } else {
                replicaOf.set(task.microBatch(), free.isEmpty() ? replicas++ : free.pollFirst());
            }
        }
        return new Program(List.copyOf(tasks), List.copyOf(replicaOf), replicas);
    }

    int microBatches() {
        return replicaOf.size();
    }

    int replicaOf(int microBatch) {
        return replicaOf.get(microBatch);
    }

    /** Whether this is the first backward task of its stage. */
    boolean isFirstBackward(Task task) {
        for (Task other : tasks.get(task.stage())) {
            if (other.pass() == Task.Pass.BACKWARD) {
                return other.equals(task);
            }
        }
        return false;
    }
}
