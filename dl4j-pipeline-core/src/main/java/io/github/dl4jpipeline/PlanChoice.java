package io.github.dl4jpipeline;

import io.github.dl4jpipeline.PipelineListener.Cause;
import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineSettings.FoundProfile;
import io.github.dl4jpipeline.internal.plan.Replanner;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.PlanHistory;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/**
 * The plan that training runs with, what it was made from, and what may take its place: at first other plans that may be as fast, then
 * those of a thorough profile, later others if devices have drifted from it. Not safe for several threads.
 */
final class PlanChoice {
    private final ComputationGraph graph;
    private final PipelineSettings settings;

    private @Nullable GraphProfile profile;
    private Duration profilingTime = Duration.ZERO;
    private boolean cached;

    /** Whether the profile is a brief one, and a thorough one is to take its place. */
    private boolean isBrief;

    private List<PartitionPlan> finalists = List.of();
    private @Nullable PartitionPlan plan;
    private @Nullable PartitionPlan next;
    private @Nullable Replanner replanner;
    private UnaryOperator<StepMeasurement> measurements = UnaryOperator.identity();
    private boolean kept;

    /** Another plan, or the end of the choice. */
    record Change(PartitionPlan plan, Cause cause, Replanner replanner) {}

    PlanChoice(ComputationGraph graph, PipelineSettings settings) {
        this.graph = graph;
        this.settings = settings;
    }

    Optional<PartitionPlan> plan() {
        return Optional.ofNullable(plan);
    }

    /** What the plan was made from; empty if it was made without a profile, or not yet. */
    Optional<GraphProfile> profile() {
        return Optional.ofNullable(profile);
    }

    /** Makes the plan if it needs no batch: if the user has given it, or a profile. */
    void makeWithoutBatch() {
        profile = settings.profile();
        use(settings.plansWithoutBatch(graph));
    }

    /** @param time what it has taken to find it */
    void useProfile(FoundProfile found, Duration time) {
        profile = found.profile();
        cached = found.cached();
        isBrief = found.brief();
        profilingTime = time;
    }

    /** Makes the plan from the profile. */
    void make(int examples) {
        use(settings.plans(graph, Objects.requireNonNull(profile), examples));
    }

    private void use(List<PartitionPlan> made) {
        finalists = made;
        plan = made.isEmpty() ? null : made.get(0);
    }

    /** The plan with which workers begin that have room for it. */
    PartitionPlan begin(MicroBatch batch, long step) {
        if (replanner == null && !isBrief) {
            replanner = settings.replanner(graph, profile, finalists, step);
        }
        plan = settings.planThatFits(graph, Objects.requireNonNull(plan), profile, batch);
        return plan;
    }

    /** Tells listeners of the first plan. */
    PlanChosen chosen() {
        PartitionPlan first = Objects.requireNonNull(plan);
        List<PartitionPlan> candidates = replanner == null ? List.of(first) : finalists;
        return new PlanChosen(first, candidates, profile(), cached, profilingTime);
    }

    /** Whether a batch is one that a thorough profile can be taken with, if the plan is still that of a brief one. */
    boolean canProfile(MicroBatch batch) {
        return isBrief && !kept && plan != null && batch.beginsSequences() && batch.examples() == plan.examples();
    }

    /** No thorough profile is taken after this one, even if it fails. */
    void beginToProfile() {
        isBrief = false;
    }

    /** Plans of a thorough profile, the best first. Returns whether they are used. */
    boolean useThorough(GraphProfile thorough, List<PartitionPlan> better, long step) {
        if (kept) {
            return false;
        }
        profile = thorough;
        use(better);
        replanner = settings.replanner(graph, thorough, better, step);
        return true;
    }

    /** Whether another plan waits for the end of the sequences that are being trained. */
    boolean hasNext() {
        return next != null;
    }

    void takeNext() {
        plan = Objects.requireNonNull(next);
        next = null;
    }

    /** Measured against predicted; the next step may run with another plan. */
    Optional<Change> afterStep(long examples, StepMeasurement measured) {
        PartitionPlan used = Objects.requireNonNull(plan);
        if (replanner == null || kept || next != null || examples != used.examples()) {
            return Optional.empty();
        }
        boolean settled = replanner.isSettled();
        Optional<PartitionPlan> other = replanner.afterStep(measurements.apply(measured));
        other.ifPresent(this::goOnWith);
        if (!settled && replanner.isSettled()) {
            return Optional.of(new Change(replanner.plan(), Cause.CHOSEN, replanner));
        }
        Replanner chooser = replanner;
        return other.map(turn -> new Change(turn, settled ? Cause.DEVICES : Cause.TURN, chooser));
    }

    private void goOnWith(PartitionPlan other) {
        if (other.runsLike(plan)) {
            plan = other;
            next = null;
        } else {
            next = other;
        }
    }

    /** Ends the choice. */
    Optional<Change> keep() {
        Optional<Change> change = Optional.empty();
        if (replanner != null && !kept) {
            boolean settled = replanner.isSettled();
            goOnWith(replanner.settle());
            if (!settled) {
                change = Optional.of(new Change(replanner.plan(), Cause.CHOSEN, replanner));
            }
        }
        kept = true;
        return change;
    }

    /** The plan of the next step; empty if there is none yet. */
    Optional<PartitionPlan> coming() {
        return Optional.ofNullable(next == null ? plan : next);
    }

    /** @param running whether workers train by the plan */
    boolean isSettled(boolean running) {
        return next == null && (kept || !isBrief) && (replanner == null ? running : replanner.isSettled());
    }

    /** @param running whether workers train by the plan */
    PlanHistory history(boolean running) {
        return new PlanHistory(
                isSettled(running),
                replanner == null ? List.of() : replanner.measuredPlans(),
                replanner == null ? List.of() : replanner.changes());
    }

    /** Lets a test say what steps have taken, instead of the clock. */
    void replaceMeasurements(UnaryOperator<StepMeasurement> replacement) {
        measurements = replacement;
    }
}
