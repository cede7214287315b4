package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The tasks of a step for a number of micro-batches, and which copy of the graph each micro-batch uses.
 *
 * @param workers the replicas of each stage
 * @param lastPass with which a micro-batch leaves a stage
 * @param tasks by worker, in order
 * @param copyOf by micro-batch; one copy serves several, one after the other
 * @param copies number of copies needed
 */
record Program(Workers workers, Task.Pass lastPass, List<List<Task>> tasks, List<Integer> copyOf, int copies) {

    /** The workers of a plan's stages. */
    static Workers workers(PartitionPlan plan) {
        return plan.taskWorkers();
    }

    static Program of(Schedule schedule, Workers workers, int microBatches) {
        List<StageTimes> unit = workers.replicas().stream()
                .map(replicas -> new StageTimes(replicas, 1, 2, 1, 0))
                .toList();
        // Throws if the schedule cannot work.
        Timeline timeline = ScheduleSimulator.simulate(schedule, workers, unit, microBatches);
        List<Integer> copyOf = copies(timeline, workers, microBatches, schedule.lastPass());
        int copies = 1 + copyOf.stream().mapToInt(Integer::intValue).max().orElseThrow();
        return new Program(
                workers, schedule.lastPass(), List.copyOf(schedule.tasks(workers, microBatches)), copyOf, copies);
    }

    /**
     * A micro-batch takes the copy of one that has left all stages when it begins, in a timeline in which all stages are alike.
     * As it {@linkplain #dependencies waits for that} whatever tasks take, and the timeline is one in which all waiting ends,
     * it never waits for ever. Each worker of the first stage has copies of its own.
     */
    private static List<Integer> copies(Timeline timeline, Workers workers, int microBatches, Task.Pass lastPass) {
        double[] begins = new double[microBatches];
        double[] ends = new double[microBatches];
        for (Timeline.Span span : timeline.spans()) {
            int microBatch = span.task().microBatch();
            if (span.task().equals(Task.forward(0, microBatch))) {
                begins[microBatch] = span.startMillis();
            } else if (span.task().pass() == lastPass) {
                ends[microBatch] = Math.max(ends[microBatch], span.endMillis());
            }
        }
        List<Integer> copyOf = Arrays.asList(new Integer[microBatches]);
        int replicas = workers.replicas(0);
        int copies = 0;
        for (int first = 0; first < Math.min(replicas, microBatches); first++) {
            List<Integer> lastOf = new ArrayList<>(); // by copy of this worker
            for (int microBatch = first; microBatch < microBatches; microBatch += replicas) {
                int own = 0;
                while (own < lastOf.size() && ends[lastOf.get(own)] > begins[microBatch]) {
                    own++;
                }
                if (own == lastOf.size()) {
                    lastOf.add(microBatch);
                } else {
                    lastOf.set(own, microBatch);
                }
                copyOf.set(microBatch, copies + own);
            }
            copies += lastOf.size();
        }
        return List.copyOf(copyOf);
    }

    int microBatches() {
        return copyOf.size();
    }

    /** Whether parameter gradients that can wait have tasks of their own. */
    boolean splitsBackward() {
        return lastPass == Task.Pass.WEIGHTS;
    }

    /** Whether convolutions keep what they would compute again, which takes memory for every micro-batch in flight. */
    boolean keepsPreActivations() {
        return microBatches() >= 2 * copies; // so only where few of many are
    }

    int copyOf(int microBatch) {
        return copyOf.get(microBatch);
    }

    /** What must be done before a task can start: the tasks whose results it needs, and those that need its copy. */
    List<Task> dependencies(Task task) {
        List<Task> before = task.dependencies(workers.stages());
        if (task.equals(Task.forward(0, task.microBatch()))) {
            IntStream.range(0, task.microBatch())
                    .filter(other -> copyOf(other) == copyOf(task.microBatch()))
                    .max()
                    .ifPresent(other -> {
                        for (int stage = 0; stage < workers.stages(); stage++) {
                            before.add(new Task(lastPass, stage, other));
                        }
                    });
        }
        return before;
    }

    /** Whether this is the first task of its pass in its replica of the stage. */
    boolean isFirst(Task task) {
        return tasks.get(workers.workerOf(task)).stream()
                .filter(other -> other.pass() == task.pass() && other.stage() == task.stage())
                .findFirst()
                .equals(Optional.of(task));
    }

    /** Whether its micro-batch leaves the stage after it. */
    boolean isLastOfStage(Task task) {
        return task.pass() == lastPass;
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
