package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What the user leaves to the planner, and what not.
 *
 * @param examples examples of a training batch; empty for as many as the profile has
 * @param stages number of stages; empty for the best
 * @param replicas number of replicas of every stage; empty for the best of each, 1 for a straight pipeline
 * @param microBatches number of micro-batches; empty for the best. With fewer examples than these, the plan is for a batch
 *     of as many
 * @param together whether all micro-batches must run at the same time: one, or one for each replica of every stage
 * @param schedule the schedule; empty for the best
 * @param bytesPerSecond bandwidth of each device's link; infinite where devices share memory
 * @param deadline the latest execution time that a plan may have; empty for any
 * @param recompute whether stages compute activations again in backward tasks; empty for those whose activations do not fit
 *     into memory otherwise
 * @param notes what the plan should tell the user besides
 */
public record PlanOptions(
        OptionalInt examples,
        OptionalInt stages,
        OptionalInt replicas,
        OptionalInt microBatches,
        boolean together,
        Optional<Schedule> schedule,
        double bytesPerSecond,
        Optional<Duration> deadline,
        Optional<Boolean> recompute,
        List<String> notes) {

    public PlanOptions {
        requireGiven("examples", examples);
        requireGiven("stages", stages);
        requireGiven("replicas", replicas);
        requireGiven("microBatches", microBatches);
        requireGiven("schedule", schedule);
        requireGiven("deadline", deadline);
        requireGiven("recompute", recompute);
        requireGiven("notes", notes);
        notes.forEach(note -> requireGiven("note", note));
        notes = List.copyOf(notes);
        requirePositive("examples", examples);
        requirePositive("stages", stages);
        requirePositive("replicas", replicas);
        requirePositive("microBatches", microBatches);
        if (!(bytesPerSecond > 0)) {
            throw new IllegalArgumentException("bytesPerSecond must be positive, got " + bytesPerSecond);
        }
        if (deadline.isPresent()
                && (deadline.get().isNegative() || deadline.get().isZero())) {
            throw new IllegalArgumentException("deadline must be positive, got " + deadline.get());
        }
    }

    /** Everything is left to the planner. */
    public static PlanOptions defaults() {
        return new PlanOptions(
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                false,
                Optional.empty(),
                Double.POSITIVE_INFINITY,
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    public PlanOptions withExamples(int value) {
        return new PlanOptions(
                OptionalInt.of(value),
                stages,
                replicas,
                microBatches,
                together,
                schedule,
                bytesPerSecond,
                deadline,
                recompute,
                notes);
    }

    public PlanOptions withStages(int value) {
        return withStages(OptionalInt.of(value));
    }

    public PlanOptions withStages(OptionalInt value) {
        return new PlanOptions(
                examples,
                value,
                replicas,
                microBatches,
                together,
                schedule,
                bytesPerSecond,
                deadline,
                recompute,
                notes);
    }

    public PlanOptions withReplicas(int value) {
        return withReplicas(OptionalInt.of(value));
    }

    public PlanOptions withReplicas(OptionalInt value) {
        return new PlanOptions(
                examples, stages, value, microBatches, together, schedule, bytesPerSecond, deadline, recompute, notes);
    }

    public PlanOptions withMicroBatches(int value) {
        return withMicroBatches(OptionalInt.of(value));
    }

    public PlanOptions withMicroBatches(OptionalInt value) {
        return new PlanOptions(
                examples, stages, replicas, value, together, schedule, bytesPerSecond, deadline, recompute, notes);
    }

    /** All micro-batches must run at the same time. */
    public PlanOptions withMicroBatchesTogether() {
        return new PlanOptions(
                examples, stages, replicas, microBatches, true, schedule, bytesPerSecond, deadline, recompute, notes);
    }

    public PlanOptions withSchedule(Schedule value) {
        requireGiven("schedule", value);
        return withSchedule(Optional.of(value));
    }

    public PlanOptions withSchedule(Optional<Schedule> value) {
        return new PlanOptions(
                examples, stages, replicas, microBatches, together, value, bytesPerSecond, deadline, recompute, notes);
    }

    public PlanOptions withBytesPerSecond(double value) {
        return new PlanOptions(
                examples, stages, replicas, microBatches, together, schedule, value, deadline, recompute, notes);
    }

    public PlanOptions withDeadline(Duration value) {
        requireGiven("deadline", value);
        return withDeadline(Optional.of(value));
    }

    public PlanOptions withDeadline(Optional<Duration> value) {
        return new PlanOptions(
                examples, stages, replicas, microBatches, together, schedule, bytesPerSecond, value, recompute, notes);
    }

    public PlanOptions withRecompute(Optional<Boolean> value) {
        return new PlanOptions(
                examples, stages, replicas, microBatches, together, schedule, bytesPerSecond, deadline, value, notes);
    }

    public PlanOptions withNote(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(note);
        return new PlanOptions(
                examples,
                stages,
                replicas,
                microBatches,
                together,
                schedule,
                bytesPerSecond,
                deadline,
                recompute,
                more);
    }

    /** The schedule where it makes no difference, or that of one stage. */
    public Schedule usualSchedule() {
        return schedule.orElse(Schedules.planned().get(0));
    }

    private static void requireGiven(String name, @Nullable Object value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must not be null; leave it out to let the planner choose");
        }
    }

    private static void requirePositive(String name, OptionalInt value) {
        if (value.isPresent() && value.getAsInt() < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, got " + value.getAsInt());
        }
    }
}
