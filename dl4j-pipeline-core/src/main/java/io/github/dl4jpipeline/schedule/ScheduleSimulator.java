package io.github.dl4jpipeline.schedule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Runs a schedule on numbers: each stage does its tasks in order, each as soon as its dependencies are done. */
public final class ScheduleSimulator {
    private ScheduleSimulator() {}

    /**
     * The timeline of one step.
     *
     * @param forwardMillis time of a forward task, by stage
     * @param backwardMillis time of a backward task, by stage
     * @throws IllegalArgumentException if the schedule leaves a task out, repeats one, or can never finish
     */
    public static Timeline simulate(
            Schedule schedule, double[] forwardMillis, double[] backwardMillis, int microBatches) {
        int stages = forwardMillis.length;
        List<List<Task>> tasks = schedule.tasks(stages, microBatches);
        requireEveryTaskOnce(schedule, tasks, stages, microBatches);
        Map<Task, Double> endOf = new HashMap<>();
        List<Timeline.Span> spans = new ArrayList<>();
        int[] next = new int[stages];
        double[] free = new double[stages];
        while (spans.size() < 2 * stages * microBatches) {
            int before = spans.size();
            for (int stage = 0; stage < stages; stage++) {
                while (next[stage] < tasks.get(stage).size()
                        && endOf.keySet()
                                .containsAll(tasks.get(stage).get(next[stage]).dependencies(stages))) {
                    Task task = tasks.get(stage).get(next[stage]++);
                    double ready = task.dependencies(stages).stream()
                            .mapToDouble(endOf::get)
                            .max()
                            .orElse(0);
                    double start = Math.max(ready, free[stage]);
                    double millis = task.pass() == Task.Pass.FORWARD ? forwardMillis[stage] : backwardMillis[stage];
                    free[stage] = start + millis;
                    endOf.put(task, free[stage]);
                    spans.add(new Timeline.Span(task, start, free[stage]));
                }
            }
            if (spans.size() == before) {
                throw new IllegalArgumentException("Schedule " + schedule.name() + " deadlocks with " + stages
                        + " stages and " + microBatches + " micro-batches: stages wait at " + waiting(tasks, next));
            }
        }
        spans.sort(Comparator.comparingDouble(Timeline.Span::startMillis)
                .thenComparingInt(span -> span.task().stage()));
        return new Timeline(stages, spans);
    }

    /** By stage: the greatest number of micro-batches in flight at once, begun forward and not done backward. */
    public static int[] inFlight(Schedule schedule, int stages, int microBatches) {
        return schedule.tasks(stages, microBatches).stream()
                .mapToInt(ScheduleSimulator::inFlight)
                .toArray();
    }

    private static int inFlight(List<Task> tasks) {
        int most = 0;
        int inFlight = 0;
        for (Task task : tasks) {
            inFlight += task.pass() == Task.Pass.FORWARD ? 1 : -1;
            most = Math.max(most, inFlight);
        }
        return most;
    }

    private static void requireEveryTaskOnce(Schedule schedule, List<List<Task>> tasks, int stages, int microBatches) {
        Set<Task> missing = new HashSet<>();
        for (int stage = 0; stage < stages; stage++) {
            for (int microBatch = 0; microBatch < microBatches; microBatch++) {
                missing.add(Task.forward(stage, microBatch));
                missing.add(Task.backward(stage, microBatch));
            }
        }
        if (tasks.size() != stages) {
            throw new IllegalArgumentException("Schedule " + schedule.name() + " has task lists for " + tasks.size()
                    + " stages, expected " + stages);
        }
        for (int stage = 0; stage < stages; stage++) {
            for (Task task : tasks.get(stage)) {
                if (task.stage() != stage || !missing.remove(task)) {
                    throw new IllegalArgumentException("Schedule " + schedule.name() + " runs task " + task
                            + " on stage " + stage + ", where it does not belong or has run before");
                }
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("Schedule " + schedule.name() + " leaves out " + missing.size()
                    + " tasks, such as " + missing.iterator().next());
        }
    }

    private static List<Task> waiting(List<List<Task>> tasks, int[] next) {
        List<Task> waiting = new ArrayList<>();
        for (int stage = 0; stage < next.length; stage++) {
            if (next[stage] < tasks.get(stage).size()) {
                waiting.add(tasks.get(stage).get(next[stage]));
            }
        }
        return waiting;
    }
}
