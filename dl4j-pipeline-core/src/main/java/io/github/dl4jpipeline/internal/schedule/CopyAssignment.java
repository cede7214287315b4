package io.github.dl4jpipeline.internal.schedule;

import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Which copy of the graph each micro-batch of a step uses in each stage. A copy serves several micro-batches, one after the
 * other.
 */
public final class CopyAssignment {
    private final StepTasks tasks;

    /** By stage and micro-batch. */
    private final List<List<Integer>> copyOf;

    /** Whether all stages use the same copies, so that a micro-batch may have to wait for one. */
    private final boolean waits;

    private CopyAssignment(StepTasks tasks, List<List<Integer>> copyOf, boolean waits) {
        this.tasks = tasks;
        this.copyOf = copyOf;
        this.waits = waits;
    }

    /**
     * A copy holds a micro-batch on its way through all stages. Each worker of the first stage has copies of its own.
     *
     * <p>A micro-batch takes the copy of one that has left all stages when it begins, in a timeline in which all stages are
     * alike. As it {@linkplain #dependencies waits for that} whatever tasks take, and the timeline is one in which all waiting
     * ends, it never waits for ever.
     */
    public static CopyAssignment throughStages(StepTasks tasks) {
        int microBatches = tasks.microBatches();
        double[] begins = new double[microBatches];
        double[] ends = new double[microBatches];
        for (Timeline.Span span : tasks.alike().spans()) {
            int microBatch = span.task().microBatch();
            if (span.task().equals(Task.forward(0, microBatch))) {
                begins[microBatch] = span.startMillis();
            } else if (tasks.isLastOfStage(span.task())) {
                ends[microBatch] = Math.max(ends[microBatch], span.endMillis());
            }
        }
        List<Integer> copyOf = Arrays.asList(new Integer[microBatches]);
        int replicas = tasks.workers().replicas(0);
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
        return new CopyAssignment(tasks, Collections.nCopies(tasks.workers().stages(), List.copyOf(copyOf)), true);
    }

    /**
     * Each replica of a stage has copies of its own, as few as its order of tasks needs. One is free whenever a micro-batch
     * comes to the stage.
     */
    public static CopyAssignment inEachStage(StepTasks tasks) {
        List<List<Integer>> copyOf = new ArrayList<>();
        for (int stage = 0; stage < tasks.workers().stages(); stage++) {
            List<Integer> ofStage = Arrays.asList(new Integer[tasks.microBatches()]);
            for (List<Task> ofWorker : tasks.byWorker()) {
                assign(stage, tasks.lastPass(), ofWorker, ofStage);
            }
            copyOf.add(List.copyOf(ofStage));
        }
        return new CopyAssignment(tasks, copyOf, false);
    }

    private static void assign(int stage, Task.Pass last, List<Task> tasks, List<Integer> copyOf) {
        TreeSet<Integer> free = new TreeSet<>();
        int used = 0;
        for (Task task : tasks) {
            if (task.stage() == stage && task.pass() == last) {
                free.add(copyOf.get(task.microBatch()));
            } else if (task.stage() == stage && task.pass() == Task.Pass.FORWARD) {
                copyOf.set(task.microBatch(), free.isEmpty() ? used++ : free.pollFirst());
            }
        }
    }

    /** Whether few of many micro-batches are in flight at a time, so that each may take more memory. */
    public static boolean leavesFewInFlight(StepTasks tasks) {
        return tasks.microBatches() >= 2 * throughStages(tasks).count(0);
    }

    /** The copy of a micro-batch in a stage. */
    public int of(int stage, int microBatch) {
        return copyOf.get(stage).get(microBatch);
    }

    /** How many copies a stage needs: a replica of it, if each has copies of its own. */
    public int count(int stage) {
        return 1 + copyOf.get(stage).stream().mapToInt(Integer::intValue).max().orElseThrow();
    }

    /** What must be done before a task can start: the tasks whose results it needs, and those that need its copy. */
    public List<Task> dependencies(Task task) {
        int stages = tasks.workers().stages();
        List<Task> before = task.dependencies(stages);
        if (waits && task.equals(Task.forward(0, task.microBatch()))) {
            IntStream.range(0, task.microBatch())
                    .filter(other -> of(0, other) == of(0, task.microBatch()))
                    .max()
                    .ifPresent(other -> {
                        for (int stage = 0; stage < stages; stage++) {
                            before.add(new Task(tasks.lastPass(), stage, other));
                        }
                    });
        }
        return before;
    }
}
