package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What the user leaves to the planner, and what not.
 *
 * @param examples examples of a training batch; empty for as many as the profile has
 * @param stages number of stages; empty for as many as there are devices for
 * @param replicas number of replicas of every stage; empty for 1
 * @param microBatches number of micro-batches; empty for the largest of 8, 4, 2, 1 that leaves at least 8 examples each
 * @param schedule the schedule to predict for
 * @param notes what the plan should tell the user besides
 */
public record PlanOptions(
        OptionalInt examples,
        OptionalInt stages,
        OptionalInt replicas,
        OptionalInt microBatches,
        Schedule schedule,
        List<String> notes) {

    public PlanOptions {
        notes = List.copyOf(notes);
        requirePositive("examples", examples);
        requirePositive("stages", stages);
        requirePositive("replicas", replicas);
        requirePositive("microBatches", microBatches);
    }

    /** Everything is left to the planner. */
    public static PlanOptions defaults() {
        return new PlanOptions(
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Schedules.oneForwardOneBackward(),
                List.of());
    }

    public PlanOptions withExamples(int value) {
        return new PlanOptions(OptionalInt.of(value), stages, replicas, microBatches, schedule, notes);
    }

    public PlanOptions withStages(int value) {
        return new PlanOptions(examples, OptionalInt.of(value), replicas, microBatches, schedule, notes);
    }

    public PlanOptions withReplicas(int value) {
        return new PlanOptions(examples, stages, OptionalInt.of(value), microBatches, schedule, notes);
    }

    public PlanOptions withMicroBatches(int value) {
        return new PlanOptions(examples, stages, replicas, OptionalInt.of(value), schedule, notes);
    }

    public PlanOptions withSchedule(Schedule value) {
        return new PlanOptions(examples, stages, replicas, microBatches, value, notes);
    }

    public PlanOptions withNote(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(note);
        return new PlanOptions(examples, stages, replicas, microBatches, schedule, more);
    }

    /** The number of micro-batches for a batch, if the user leaves it to the planner. */
    public static int defaultMicroBatches(long examples) {
        for (int microBatches : new int[] {8, 4, 2}) {
            if (examples >= 8L * microBatches) {
                return microBatches;
            }
        }
        return 1;
    }

    private static void requirePositive(String name, OptionalInt value) {
        if (value.isPresent() && value.getAsInt() < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, got " + value.getAsInt());
        }
    }
}
