package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The tasks of a step for a number of micro-batches, and which copy of the graph each micro-batch uses.
 *
 * @param workers the replicas of each stage
 * @param tasks by worker, in order
 * @param copyOf by micro-batch; one copy serves several, one after the other
 * @param copies number of copies needed
 */
record Program(Workers workers, List<List<Task>> tasks, List<Integer> copyOf, int copies) {

    /** The workers of a plan's stages. */
    static Workers workers(PartitionPlan plan) {
        return new Workers(plan.stages().stream().map(Stage::replicas).toList(), plan.sharedWorkers());
    }

    static Program of(Schedule schedule, Workers workers, int microBatches) {
        List<StageTimes> unit = workers.replicas().stream()
                .map(replicas -> new StageTimes(replicas, 1, 1, 0))
                .toList();
        ScheduleSimulator.simulate(schedule, workers, unit, microBatches); // throws if the schedule cannot work
        List<List<Task>> tasks = schedule.tasks(workers, microBatches);
        List<Integer> copyOf = Arrays.asList(new Integer[microBatches]);
        int copies = 0;
        // A micro-batch enters and leaves the pipeline at one worker of stage 0, and that worker's order says which is
        // first; so each of them has copies of its own.
        for (List<Task> ofWorker : tasks.subList(0, workers.replicas(0))) {
            TreeSet<Integer> free = new TreeSet<>();
            for (Task task : ofWorker) {
                if (task.stage() > 0) {
                    continue;
                }
                if (task.pass() == Task.Pass.BACKWARD) {
                    free.add(copyOf.get(task.microBatch()));
                } else {
                    copyOf.set(task.microBatch(), free.isEmpty() ? copies++ : free.pollFirst());
                }
            }
        }
        return new Program(workers, List.copyOf(tasks), List.copyOf(copyOf), copies);
    }

    int microBatches() {
        return copyOf.size();
    }

    /** Whether convolutions keep what they would compute again, which takes memory for every micro-batch in flight. */
    boolean keepsPreActivations() {
        return microBatches() >= 2 * copies; // so only where few of many are
    }

    int copyOf(int microBatch) {
        return copyOf.get(microBatch);
    }

    /** Whether this is the first backward task of its replica of the stage. */
    boolean isFirstBackward(Task task) {
        return tasks.get(workers.workerOf(task)).stream()
                .filter(other -> other.pass() == Task.Pass.BACKWARD && other.stage() == task.stage())
                .findFirst()
                .equals(Optional.of(task));
    }

    /** How many replicas of a stage have tasks: the first ones. */
    int activeReplicas(int stage) {
        return Math.min(workers.replicas(stage), microBatches());
    }

    /** The last task of each replica of a stage with several. */
    List<Task> lastTasks(int stage) {
        List<Task> last = new ArrayList<>();
        for (int replica = 0; replica < activeReplicas(stage); replica++) {
            List<Task> own = tasks.get(workers.worker(stage, replica));
            last.add(own.get(own.size() - 1));
        }
        return last;
    }
}
