package io.github.dl4jpipeline.schedule;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a schedule on numbers: each worker does its tasks in order, each as soon as what it depends on has arrived.
 * O(tasks · log(tasks)) time for the schedules that there are.
 */
public final class ScheduleSimulator {
    private final Schedule schedule;
    private final List<StageTimes> stages;
    private final Workers workers;
    private final int microBatches;
    private final List<List<Task>> tasks;

    /** By stage and micro-batch: when the output of a task has reached the stage that reads it; NaN before. */
    private final double[][] forwardArrives;

    private final double[][] backwardArrives;

    /** By stage and micro-batch: when a task has ended; NaN before. */
    private final double[][] forwardEnds;

    private final double[][] backwardEnds;

    private final double[][] weightEnds;

    /** By worker: when it, and its links forward and back, are free. */
    private final double[] free;

    private final double[] linkForwardFree;
    private final double[] linkBackFree;
    private final List<Timeline.Span> spans = new ArrayList<>();

    private ScheduleSimulator(Schedule schedule, Workers workers, List<StageTimes> stages, int microBatches) {
        this.schedule = schedule;
        this.stages = stages;
        this.workers = workers;
        this.microBatches = microBatches;
        this.tasks = schedule.tasks(workers, microBatches);
        forwardArrives = unknown();
        backwardArrives = unknown();
        forwardEnds = unknown();
        backwardEnds = unknown();
        weightEnds = unknown();
        free = new double[workers.count()];
        linkForwardFree = new double[workers.count()];
        linkBackFree = new double[workers.count()];
    }

    private double[][] unknown() {
        double[][] times = new double[stages.size()][microBatches];
        for (double[] row : times) {
            Arrays.fill(row, Double.NaN);
        }
        return times;
    }

    /**
     * The timeline of one step in which each replica of a stage has a worker of its own.
     *
     * @throws IllegalArgumentException if the schedule leaves a task out, repeats one, or can never finish
     */
    public static Timeline simulate(Schedule schedule, List<StageTimes> stages, int microBatches) {
        Workers workers = new Workers(
                Given.list("stages", stages).stream().map(StageTimes::replicas).toList());
        return simulate(schedule, workers, stages, microBatches);
    }

    /**
     * The timeline of one step.
     *
     * @throws IllegalArgumentException if the schedule leaves a task out, repeats one, or can never finish
     */
    public static Timeline simulate(Schedule schedule, Workers workers, List<StageTimes> stages, int microBatches) {
        return new ScheduleSimulator(
                        Given.notNull("schedule", schedule),
                        Given.notNull("workers", workers),
                        Given.list("stages", stages),
                        microBatches)
                .run();
    }

    /**
     * The same where stages share memory: a worker that would wait runs parameter gradients that another stage has left.
     *
     * @see Schedule#splitsBackward
     */
    public static Timeline simulateMoving(
            Schedule schedule, Workers workers, List<StageTimes> stages, int microBatches) {
        ScheduleSimulator simulator = new ScheduleSimulator(schedule, workers, stages, microBatches);
        boolean moves = MovableWeights.exist(schedule.splitsBackward(), workers);
        return moves ? simulator.runMoving() : simulator.run();
    }

    /** What a worker can do next, and when it begins. */
    private record Choice(int worker, Task task, double begin) {}

    private Timeline runMoving() {
        requireEveryTaskOnce();
        MovableWeights movable = MovableWeights.of(workers, tasks);
        int[] next = new int[workers.count()];
        int all = taskCount();
        while (spans.size() < all) {
            Choice first = null;
            for (int worker = 0; worker < next.length; worker++) {
                List<Task> own = tasks.get(worker);
                while (next[worker] < own.size() && movable.hasBegun(own.get(next[worker]))) {
                    next[worker]++;
                }
                Choice choice = choose(worker, next[worker] < own.size() ? own.get(next[worker]) : null, movable);
                if (choice != null && (first == null || choice.begin() < first.begin())) {
                    first = choice;
                }
            }
            if (first == null) {
                throw deadlock(next);
            }
            movable.begin(first.task());
            run(first.worker(), first.task(), first.begin());
            List<Task> own = tasks.get(first.worker());
            if (next[first.worker()] < own.size() && first.task().equals(own.get(next[first.worker()]))) {
                next[first.worker()]++;
            }
        }
        return timeline();
    }

    /** The next task of its own, or gradients of another stage that it can begin before that; null if it has to wait. */
    private @Nullable Choice choose(int worker, @Nullable Task own, MovableWeights movable) {
        double ready = own == null ? Double.NaN : readyInTurn(own, movable);
        Choice choice = Double.isNaN(ready) ? null : new Choice(worker, own, Math.max(ready, free[worker]));
        for (int stage = 0; stage < stages.size(); stage++) {
            Task weights = movable.next(stage);
            double others = weights == null ? Double.NaN : readyInTurn(weights, movable);
            if (!Double.isNaN(others)) {
                double begin = Math.max(others, free[worker]);
                if (choice == null || begin < choice.begin()) {
                    choice = new Choice(worker, weights, begin);
                }
            }
        }
        return choice;
    }

    /** As {@link #ready}, where the weights of a stage are run one after another, by whomever. */
    private double readyInTurn(Task task, MovableWeights movable) {
        Task before = task.pass() == Task.Pass.WEIGHTS ? movable.before(task) : null;
        double ready = ready(task);
        return before == null ? ready : Math.max(ready, weightEnds[before.stage()][before.microBatch()]);
    }

    private Timeline run() {
        requireEveryTaskOnce();
        int[] next = new int[workers.count()];
        int all = taskCount();
        while (spans.size() < all) {
            int before = spans.size();
            for (int worker = 0; worker < next.length; worker++) {
                List<Task> own = tasks.get(worker);
                while (next[worker] < own.size() && start(worker, own.get(next[worker]))) {
                    next[worker]++;
                }
            }
            if (spans.size() == before) {
                throw deadlock(next);
            }
        }
        return timeline();
    }

    private IllegalArgumentException deadlock(int[] next) {
        return new IllegalArgumentException("Schedule " + schedule.name() + " deadlocks with replicas "
                + workers.replicas() + " of its stages and " + microBatches + " micro-batches: workers wait at "
                + waiting(next));
    }

    private Timeline timeline() {
        spans.sort(Comparator.comparingDouble(Timeline.Span::startMillis).thenComparingInt(Timeline.Span::worker));
        return new Timeline(workers, spans);
    }

    /** Runs a task unless it has to wait for one that has not run. Returns whether it has run. */
    private boolean start(int worker, Task task) {
        double ready = ready(task);
        if (Double.isNaN(ready)) {
            return false;
        }
        run(worker, task, Math.max(ready, free[worker]));
        return true;
    }

    private void run(int worker, Task task, double begin) {
        int stage = task.stage();
        int microBatch = task.microBatch();
        double end = begin + stages.get(stage).millis(task, microBatches, schedule);
        free[worker] = end;
        spans.add(new Timeline.Span(worker, task, begin, end));
        if (task.pass() == Task.Pass.FORWARD) {
            forwardEnds[stage][microBatch] = end;
            linkForwardFree[worker] =
                    Math.max(end, linkForwardFree[worker]) + stages.get(stage).sendMillis();
            forwardArrives[stage][microBatch] =
                    linkForwardFree[worker] + stages.get(stage).latencyMillis();
        } else if (task.pass() == Task.Pass.BACKWARD) {
            backwardEnds[stage][microBatch] = end;
            double send = stage == 0 ? 0 : stages.get(stage - 1).sendMillis();
            double latency = stage == 0 ? 0 : stages.get(stage - 1).latencyMillis();
            linkBackFree[worker] = Math.max(end, linkBackFree[worker]) + send;
            backwardArrives[stage][microBatch] = linkBackFree[worker] + latency;
        } else {
            weightEnds[stage][microBatch] = end;
        }
    }

    /** When the dependencies of a task are met, as {@link Task#dependencies} has them; NaN if one has not run. */
    private double ready(Task task) {
        int stage = task.stage();
        int microBatch = task.microBatch();
        if (task.pass() == Task.Pass.FORWARD) {
            return stage == 0 ? 0 : forwardArrives[stage - 1][microBatch];
        }
        if (task.pass() == Task.Pass.WEIGHTS) {
            return backwardEnds[stage][microBatch];
        }
        double own = forwardEnds[stage][microBatch];
        return stage == stages.size() - 1 ? own : Math.max(own, backwardArrives[stage + 1][microBatch]);
    }

    /**
     * By stage: the greatest number of micro-batches that a replica of it has in flight at once, begun forward and not done
     * with the last pass. The first replica has the most.
     */
    public static int[] inFlight(Schedule schedule, Workers workers, int microBatches) {
        List<List<Task>> tasks =
                Given.notNull("schedule", schedule).tasks(Given.notNull("workers", workers), microBatches);
        return IntStream.range(0, workers.stages())
                .map(stage -> inFlight(tasks.get(workers.worker(stage, 0)), stage, schedule.lastPass()))
                .toArray();
    }

    static int inFlight(List<Task> tasks, int stage, Task.Pass lastPass) {
        int most = 0;
        int inFlight = 0;
        for (Task task : tasks) {
            if (task.stage() == stage && task.pass() == Task.Pass.FORWARD) {
                inFlight++;
                most = Math.max(most, inFlight);
            } else if (task.stage() == stage && task.pass() == lastPass) {
                inFlight--;
            }
        }
        return most;
    }

    private int taskCount() {
        return (schedule.splitsBackward() ? 3 : 2) * stages.size() * microBatches;
    }

    private void requireEveryTaskOnce() {
        if (tasks.size() != workers.count()) {
            throw new IllegalArgumentException("Schedule " + schedule.name() + " has task lists for " + tasks.size()
                    + " workers, expected " + workers.count());
        }
        Set<Task> seen = new HashSet<>();
        for (int worker = 0; worker < tasks.size(); worker++) {
            for (Task task : tasks.get(worker)) {
                boolean belongs = workers.workerOf(task) == worker
                        && (task.pass() != Task.Pass.WEIGHTS || schedule.splitsBackward());
                if (!belongs || !seen.add(task)) {
                    throw new IllegalArgumentException("Schedule " + schedule.name() + " runs task " + task
                            + " on worker " + worker + ", where it does not belong or has run before");
                }
            }
        }
        int missing = taskCount() - seen.size();
        if (missing > 0) {
            throw new IllegalArgumentException("Schedule " + schedule.name() + " leaves out " + missing + " tasks");
        }
    }

    private List<Task> waiting(int[] next) {
        List<Task> waiting = new ArrayList<>();
        for (int worker = 0; worker < next.length; worker++) {
            if (next[worker] < tasks.get(worker).size()) {
                waiting.add(tasks.get(worker).get(next[worker]));
            }
        }
        return waiting;
    }
}
