package io.github.dl4jpipeline.internal.schedule;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The tasks of a step for a number of micro-batches.
 *
 * @param workers the replicas of each stage
 * @param microBatches their number
 * @param lastPass with which a micro-batch leaves a stage
 * @param byWorker its tasks, in order
 * @param alike when they run if all stages take as long
 */
public record StepTasks(
        Workers workers, int microBatches, Task.Pass lastPass, List<List<Task>> byWorker, Timeline alike) {

    /**
     * The tasks that a schedule gives the workers.
     *
     * @throws IllegalArgumentException if the schedule cannot work
     */
    public static StepTasks of(Schedule schedule, Workers workers, int microBatches) {
        List<StageTimes> unit = workers.replicas().stream()
                .map(replicas -> new StageTimes(replicas, 1, 2, 1, 0))
                .toList();
        Timeline alike = ScheduleSimulator.simulate(schedule, workers, unit, microBatches);
        List<List<Task>> tasks = List.copyOf(schedule.tasks(workers, microBatches));
        return new StepTasks(workers, microBatches, schedule.lastPass(), tasks, alike);
    }

    /** Whether parameter gradients that can wait have tasks of their own. */
    public boolean splitsBackward() {
        return lastPass == Task.Pass.WEIGHTS;
    }

    /** Whether this is the first task of its pass in its replica of the stage. */
    public boolean isFirst(Task task) {
        return alike(task).get(0).equals(task);
    }

    /** The tasks of its pass in its replica of the stage that come later. */
    public List<Task> after(Task task) {
        List<Task> alike = alike(task);
        return alike.subList(alike.indexOf(task) + 1, alike.size());
    }

    /**
     * Whether the last stage can run its last vertices for so many micro-batches at a time: it has run all of them forward before
     * the first backward, and takes them in order.
     */
    public boolean mayGroup(int size) {
        int stage = workers.stages() - 1;
        if (workers.replicas(stage) > 1) {
            return size == 1;
        }
        Map<Task.Pass, Integer> seen = new EnumMap<>(Task.Pass.class);
        for (Task task : byWorker.get(workers.worker(stage, 0))) {
            if (task.stage() != stage) {
                continue;
            }
            int place = seen.merge(task.pass(), 1, Integer::sum) - 1;
            int needed = Math.min(microBatches, place - place % size + size);
            if (task.microBatch() != place
                    || (task.pass() != Task.Pass.FORWARD && seen.getOrDefault(Task.Pass.FORWARD, 0) < needed)) {
                return size == 1;
            }
        }
        return true;
    }

    private List<Task> alike(Task task) {
        return byWorker.get(workers.workerOf(task)).stream()
                .filter(other -> other.pass() == task.pass() && other.stage() == task.stage())
                .toList();
    }

    /** Whether its micro-batch leaves the stage after it. */
    public boolean isLastOfStage(Task task) {
        return task.pass() == lastPass;
    }

    /** How many replicas of a stage have tasks: the first ones. */
    public int activeReplicas(int stage) {
        return Math.min(workers.replicas(stage), microBatches);
    }

    /** The last task of each replica of a stage with several. */
    public List<Task> lastTasks(int stage) {
        List<Task> last = new ArrayList<>();
        for (int replica = 0; replica < activeReplicas(stage); replica++) {
            List<Task> own = byWorker.get(workers.worker(stage, replica));
            last.add(own.get(own.size() - 1));
        }
        return last;
    }
}
