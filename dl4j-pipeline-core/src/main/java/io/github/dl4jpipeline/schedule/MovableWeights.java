package io.github.dl4jpipeline.schedule;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parameter gradients that have tasks of their own, where any worker may run them: those of a stage one after another in the order of
 * its own worker, so that they are added up in that order. Not safe for use by several threads.
 */
public final class MovableWeights {
    /** By stage, in order. */
    private final List<List<Task>> ofStage = new ArrayList<>();

    /** By stage: how many have begun. */
    private final int[] begun;

    private final Set<Task> hasBegun = new HashSet<>();

    private MovableWeights(int stages) {
        begun = new int[stages];
        for (int stage = 0; stage < stages; stage++) {
            ofStage.add(new ArrayList<>());
        }
    }

    /** Whether there are any: not where the backward pass is in one piece, or the replicas of a stage add up their own. */
    public static boolean exist(boolean splitsBackward, Workers workers) {
        return splitsBackward
                && workers.count() > 1
                && workers.replicas().stream().allMatch(replicas -> replicas == 1);
    }

    /**
     * Those of a step, of which none has begun.
     *
     * @param byWorker the tasks of each worker, in order
     */
    public static MovableWeights of(Workers workers, List<List<Task>> byWorker) {
        MovableWeights movable = new MovableWeights(workers.stages());
        for (List<Task> tasks : byWorker) {
            for (Task task : tasks) {
                if (task.pass() == Task.Pass.WEIGHTS) {
                    movable.ofStage.get(task.stage()).add(task);
                }
            }
        }
        return movable;
    }

    /** The next of a stage; null if all have begun. */
    public @Nullable Task next(int stage) {
        List<Task> tasks = ofStage.get(stage);
        return begun[stage] < tasks.size() ? tasks.get(begun[stage]) : null;
    }

    /** What must have ended before this one begins; null for the first of its stage. */
    public @Nullable Task before(Task weights) {
        List<Task> tasks = ofStage.get(weights.stage());
        int place = tasks.indexOf(weights);
        return place == 0 ? null : tasks.get(place - 1);
    }

    /** Whether somebody has begun it; false for tasks of other passes. */
    public boolean hasBegun(Task task) {
        return hasBegun.contains(task);
    }

    /** A task begins. */
    public void begin(Task task) {
        if (task.pass() == Task.Pass.WEIGHTS) {
            hasBegun.add(task);
            begun[task.stage()]++;
        }
    }

    /** Whether all have begun. */
    public boolean allBegun() {
        for (int stage = 0; stage < begun.length; stage++) {
            if (next(stage) != null) {
                return false;
            }
        }
        return true;
    }

    /** How many stages there are. */
    public int stages() {
        return begun.length;
    }
}
