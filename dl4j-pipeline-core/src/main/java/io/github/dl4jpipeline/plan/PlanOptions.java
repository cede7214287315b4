package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.partition.MachineLinks;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the user leaves to the planner, and what not. Immutable: each {@code with} method returns other options. */
public final class PlanOptions {
    private static final int MOST_REPLICAS = 1024;

    private OptionalInt examples = OptionalInt.empty();
    private OptionalInt stages = OptionalInt.empty();
    private OptionalInt replicas = OptionalInt.empty();
    private OptionalInt microBatches = OptionalInt.empty();
    private boolean together;
    private Optional<Schedule> schedule = Optional.empty();
    private double bytesPerSecond = Double.POSITIVE_INFINITY;
    private Optional<MachineLinks> machines = Optional.empty();
    private Optional<Duration> deadline = Optional.empty();
    private Optional<Boolean> recompute = Optional.empty();
    private Set<String> inOneStage = Set.of();
    private Set<String> inGroups = Set.of();
    private List<String> notes = List.of();

    private PlanOptions() {}

    /** Everything is left to the planner. */
    public static PlanOptions defaults() {
        return new PlanOptions();
    }

    /** A copy of these, which is changed once, before anybody sees it. */
    private PlanOptions with(Consumer<PlanOptions> change) {
        PlanOptions copy = new PlanOptions();
        copy.examples = examples;
        copy.stages = stages;
        copy.replicas = replicas;
        copy.microBatches = microBatches;
        copy.together = together;
        copy.schedule = schedule;
        copy.bytesPerSecond = bytesPerSecond;
        copy.machines = machines;
        copy.deadline = deadline;
        copy.recompute = recompute;
        copy.inOneStage = inOneStage;
        copy.inGroups = inGroups;
        copy.notes = notes;
        change.accept(copy);
        return copy;
    }

    /** Examples of a training batch; empty for as many as the profile has. */
    public OptionalInt examples() {
        return examples;
    }

    public PlanOptions withExamples(int value) {
        return with(copy -> copy.examples = positive("examples", OptionalInt.of(value)));
    }

    /** Number of stages; empty for the best. */
    public OptionalInt stages() {
        return stages;
    }

    public PlanOptions withStages(int value) {
        return withStages(OptionalInt.of(value));
    }

    public PlanOptions withStages(OptionalInt value) {
        return with(copy -> copy.stages = positive("stages", value));
    }

    /** Number of replicas of every stage; empty for the best of each, 1 for a straight pipeline. */
    public OptionalInt replicas() {
        return replicas;
    }

    public PlanOptions withReplicas(int value) {
        return withReplicas(OptionalInt.of(value));
    }

    public PlanOptions withReplicas(OptionalInt value) {
        return with(copy -> copy.replicas = between("replicas", value, MOST_REPLICAS));
    }

    /** Number of micro-batches; empty for the best. With fewer examples than these, the plan is for a batch of as many. */
    public OptionalInt microBatches() {
        return microBatches;
    }

    public PlanOptions withMicroBatches(int value) {
        return withMicroBatches(OptionalInt.of(value));
    }

    public PlanOptions withMicroBatches(OptionalInt value) {
        return with(copy -> copy.microBatches = between("microBatches", value, PartitionPlan.MOST_MICRO_BATCHES));
    }

    /** Whether all micro-batches must run at the same time: one, or one for each replica of every stage. */
    public boolean together() {
        return together;
    }

    /** All micro-batches must run at the same time. */
    public PlanOptions withMicroBatchesTogether() {
        return with(copy -> copy.together = true);
    }

    /** The schedule; empty for the best. */
    public Optional<Schedule> schedule() {
        return schedule;
    }

    /** The schedule where it makes no difference, or that of one stage. */
    public Schedule usualSchedule() {
        return schedule.orElse(Schedules.planned().get(0));
    }

    public PlanOptions withSchedule(Schedule value) {
        return withSchedule(Optional.of(given("schedule", value)));
    }

    public PlanOptions withSchedule(Optional<Schedule> value) {
        return with(copy -> copy.schedule = given("schedule", value));
    }

    /** Bandwidth of each device's link; infinite where devices share memory. */
    public double bytesPerSecond() {
        return bytesPerSecond;
    }

    public PlanOptions withBytesPerSecond(double value) {
        if (!(value > 0)) {
            throw new IllegalArgumentException("bytesPerSecond must be positive, got " + value);
        }
        return with(copy -> copy.bytesPerSecond = value);
    }

    /** What is between the machines that the devices are in, one after the other; empty for one machine. */
    public Optional<MachineLinks> machines() {
        return machines;
    }

    /** The devices are in several machines. Their own {@link #bytesPerSecond} counts no more. */
    public PlanOptions withMachines(MachineLinks value) {
        return with(copy -> copy.machines = Optional.of(given("machines", value)));
    }

    /** The latest execution time that a plan may have; empty for any. */
    public Optional<Duration> deadline() {
        return deadline;
    }

    public PlanOptions withDeadline(Duration value) {
        return withDeadline(Optional.of(given("deadline", value)));
    }

    public PlanOptions withDeadline(Optional<Duration> value) {
        given("deadline", value)
                .filter(time -> time.isNegative() || time.isZero())
                .ifPresent(time -> {
                    throw new IllegalArgumentException("deadline must be positive, got " + time);
                });
        return with(copy -> copy.deadline = value);
    }

    /**
     * Whether stages compute activations again in backward tasks; empty for those whose activations do not fit into memory
     * otherwise.
     */
    public Optional<Boolean> recompute() {
        return recompute;
    }

    public PlanOptions withRecompute(Optional<Boolean> value) {
        return with(copy -> copy.recompute = given("recompute", value));
    }

    /** Vertices that must be in the same stage, as those that are run in tiles; empty for none. */
    public Set<String> inOneStage() {
        return inOneStage;
    }

    public PlanOptions withInOneStage(Set<String> vertices) {
        return with(copy -> copy.inOneStage = Set.copyOf(given("inOneStage", vertices)));
    }

    /** Vertices at the end of the network that may run several micro-batches as one; empty for none. */
    public Set<String> inGroups() {
        return inGroups;
    }

    public PlanOptions withInGroups(Set<String> vertices) {
        return with(copy -> copy.inGroups = Set.copyOf(given("inGroups", vertices)));
    }

    /** What the plan should tell the user besides. */
    public List<String> notes() {
        return notes;
    }

    public PlanOptions withNote(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(given("note", note));
        return with(copy -> copy.notes = List.copyOf(more));
    }

    private static <T> T given(String name, @Nullable T value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must not be null; leave it out to let the planner choose");
        }
        return value;
    }

    private static OptionalInt positive(String name, @Nullable OptionalInt value) {
        if (given(name, value).isPresent() && value.getAsInt() < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, got " + value.getAsInt());
        }
        return value;
    }

    private static OptionalInt between(String name, @Nullable OptionalInt value, int most) {
        OptionalInt number = positive(name, value);
        if (number.orElse(1) > most) {
            throw new IllegalArgumentException(name + " must be at most " + most + ", got " + number.getAsInt());
        }
        return number;
    }

    private List<Object> values() {
        return List.of(
                examples,
                stages,
                replicas,
                microBatches,
                together,
                schedule,
                bytesPerSecond,
                machines,
                deadline,
                recompute,
                inOneStage,
                inGroups,
                notes);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof PlanOptions options && values().equals(options.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    @Override
    public String toString() {
        return String.format(
                "examples %s, stages %s, replicas %s, micro-batches %s, together %s, schedule %s, bytes per second %s, machines %s,"
                        + " deadline %s, recompute %s, in one stage %s, in groups %s, notes %s",
                values().toArray());
    }
}
