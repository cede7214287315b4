package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides by measured steps with which plan training goes on. First, {@link PlanTrial} finds the fastest of the plans that
 * are predicted to be about as fast as each other.
 *
 * <p>Then it compares the time of each worker's tasks with the prediction, and plans anew when devices have drifted
 * apart: another process takes a core, a device throttles, or the profile was wrong [from Al Maruf et al., J.
 * Parallel and Distributed Computing 190, 2024]. A device counts as drifted if it is clearly slower or faster,
 * compared with the others, than the plan has it. Medians over the last steps must show that for as many steps on
 * end. A new plan must promise to be a tenth faster than the present one would be on such devices. Predictions for
 * kinds of plans that were tried in the first steps are corrected by what was measured then.
 *
 * <p>A new plan is on trial: if its steps take longer than those before, the plan before comes back. It then takes
 * twice as many steps until another plan is tried. So noise costs a few steps at most, more and more seldom.
 *
 * <p>A device that the present plan does not use cannot be measured, so after a while it is taken to have recovered; the
 * trial shows whether it has. It is all numbers here: no clock, no thread.
 */
public final class Replanner {
    private static final Logger log = LoggerFactory.getLogger(Replanner.class);

    private static final double WORTHWHILE = 0.9;

    /** A prediction that is off by as much, for all devices alike, is no sign that one is slow. */
    private static final double INACCURACY = 1.25;

    private static final int SHORTEST_PAUSE = 2 * DriftWindow.STEPS;
    private static final int LONGEST_PAUSE = 1 << 14;
    private static final int MOST_KEPT = 16;

    /** What there was before the plan on trial. */
    private record Before(PartitionPlan plan, Slowdowns slowdowns, double stepMillis) {}

    private final GraphProfile profile;
    private final Devices devices;
    private final PlanOptions options;
    private final List<Device> withJoint;
    private final PlanTrial trial;
    private final List<PlanChange> changes = new ArrayList<>();

    private PartitionPlan plan;
    private Slowdowns slowdowns = Slowdowns.NONE;
    private DriftWindow window;
    private double leastRatio = Double.POSITIVE_INFINITY;
    private @Nullable Before before;
    private String reason = "";
    private long steps;
    private long lastDecision;

    /** For how many steps on end devices have differed from what the plan has. */
    private int drifted;

    private int pause = SHORTEST_PAUSE;

    /** One for training that begins. */
    Replanner(GraphProfile profile, Devices devices, PlanOptions options, List<PartitionPlan> finalists) {
        this(profile, devices, options, finalists, 0);
    }

    /**
     * One for training that goes on.
     *
     * @param finalists the plans made from profile, devices and options; training goes on with the first
     * @param stepsBefore number of steps that have been run before
     */
    public Replanner(
            GraphProfile profile,
            Devices devices,
            PlanOptions options,
            List<PartitionPlan> finalists,
            long stepsBefore) {
        this.steps = stepsBefore;
        this.profile = profile;
        this.devices = devices;
        this.options = options;
        this.withJoint = new ArrayList<>(devices.list());
        withJoint.add(JointDevice.of(devices));
        this.trial = new PlanTrial(finalists, options.deadline());
        this.plan = finalists.get(0);
        this.window = new DriftWindow(parts(plan));
    }

    private static int parts(PartitionPlan plan) {
        return plan.stages().stream().mapToInt(Stage::replicas).sum();
    }

    /** Whether the plan has been chosen, so that it only changes if devices do. */
    public boolean isSettled() {
        return trial.isOver();
    }

    /** What has been measured of the plans that took turns in the first steps, fastest first; empty if only one came into
     * question. */
    public List<MeasuredPlan> measuredPlans() {
        return trial.measured();
    }

    /** The plan of the next step. */
    public PartitionPlan plan() {
        return plan;
    }

    /** Number of steps that were taken in. */
    public long steps() {
        return steps;
    }

    /** Why the last plan was taken, as a sentence without its full stop. */
    public String reason() {
        return reason;
    }

    /** The changes since the plan was chosen, the last ones if there have been many. */
    public List<PlanChange> changes() {
        return List.copyOf(changes);
    }

    /**
     * Takes in a step with as many examples as the plan is for.
     *
     * @return the plan to go on with, if it is another, or if there is more to say about it
     */
    public Optional<PartitionPlan> afterStep(StepMeasurement step) {
        steps++;
        if (!trial.isOver()) {
            return afterTrialStep(step.stepMillis());
        }
        window.add(step.stepMillis(), step.busyMillis());
        if (!window.isFull()) {
            return Optional.empty();
        }
        double usual = window.stepMillis();
        if (before != null) {
            Before last = before;
            before = null;
            if (usual > last.stepMillis()) {
                pause = Math.min(2 * pause, LONGEST_PAUSE);
                return Optional.of(change(
                        last.plan(),
                        last.slowdowns(),
                        String.format(Locale.ROOT, "steps took %.1f ms instead of %.1f ms", usual, last.stepMillis())));
            }
            pause = SHORTEST_PAUSE;
        }
        Slowdowns present = Slowdowns.of(measured(), devices);
        drifted = present.differsFrom(slowdowns, withJoint) ? drifted + 1 : 0;
        return drifted >= DriftWindow.STEPS && steps - lastDecision >= pause
                ? decide(present, usual)
                : Optional.empty();
    }

    private Optional<PartitionPlan> afterTrialStep(double stepMillis) {
        PartitionPlan before = plan;
        trial.afterStep(stepMillis);
        plan = trial.plan();
        reason = "it is its turn to be measured";
        if (trial.isOver()) {
            endTrial();
        }
        return plan.equals(before) ? Optional.empty() : Optional.of(plan);
    }

    /**
     * Chooses now, by what has been measured so far. Training goes on with this plan.
     *
     * @return the plan to go on with
     */
    public PartitionPlan settle() {
        if (!trial.isOver()) {
            trial.stop();
            plan = trial.plan();
            endTrial();
        }
        return plan;
    }

    private void endTrial() {
        reason = trial.reason();
        String measured = trial.measured().stream()
                .map(tried ->
                        String.format(Locale.ROOT, "%s %.1f ms", tried.plan().kind(), tried.stepMillis()))
                .collect(Collectors.joining(", "));
        if (!measured.isEmpty()) {
            plan = plan.withNote("Chosen by measured steps: " + measured + "; " + reason)
                    .withLatestExecutionTime(trial.latestExecutionTime());
        }
        warnOfDeadline();
        window = new DriftWindow(parts(plan));
        log.info(
                "Plan chosen after step {}{}: {}",
                steps,
                measured.isEmpty() ? "" : " (" + measured + ")",
                plan.summary());
    }

    private void warnOfDeadline() {
        Duration latest = plan.latestExecutionTime();
        options.deadline()
                .filter(deadline -> latest.compareTo(deadline) > 0)
                .ifPresent(deadline -> log.warn(
                        "Measured steps take up to {} ms, longer than the deadline of {} ms: {}",
                        latest.toMillis(),
                        deadline.toMillis(),
                        plan.summary()));
    }

    /** By device: how much slower than profiled it is, so far as this plan uses it. */
    private Map<String, Double> measured() {
        Map<String, Double> busy = new HashMap<>();
        Map<String, Double> predicted = new HashMap<>();
        int part = 0;
        for (Stage stage : plan.stages()) {
            for (int replica = 0; replica < stage.replicas(); replica++) {
                String device = stage.devices().get(replica).id();
                int microBatches = (plan.microBatches() - replica + stage.replicas() - 1) / stage.replicas();
                busy.merge(device, window.busyMillis(part++), Double::sum);
                predicted.merge(device, (stage.forwardMillis() + stage.backwardMillis()) * microBatches, Double::sum);
            }
        }
        Map<String, Double> ratios = new HashMap<>();
        predicted.forEach((device, millis) -> {
            if (millis > 0) {
                ratios.put(device, busy.get(device) / millis);
            }
        });
        double least =
                ratios.values().stream().mapToDouble(Double::doubleValue).min().orElse(1);
        leastRatio = Math.min(leastRatio, least);
        // One that is alone can only be compared with what it was.
        double usual = Math.min(ratios.size() > 1 ? least : leastRatio, INACCURACY);
        ratios.replaceAll((id, ratio) -> ratio / usual * slowdowns.byDevice().getOrDefault(id, 1.0));
        return ratios;
    }

    private Optional<PartitionPlan> decide(Slowdowns present, double stepMillis) {
        lastDecision = steps;
        Search search = new Search(profile, devices, options, present, true);
        Optional<PartitionPlan> best = Finalists.of(search.candidates(), options).stream()
                .min(Comparator.comparingDouble(this::expectedMillis));
        if (best.isEmpty()) {
            log.warn(
                    "No plan fits the devices' memory and the deadline while {}; training goes on with the plan it has",
                    present);
        }
        if (best.isEmpty() || expectedMillis(best.get()) > WORTHWHILE * expectedMillis(search.again(plan))) {
            pause = Math.min(2 * pause, LONGEST_PAUSE);
            return Optional.empty();
        }
        before = new Before(plan, slowdowns, stepMillis);
        return Optional.of(change(best.get(), present, present.toString()));
    }

    /** The predicted time, as much longer or shorter as steps of such a plan have been when it was tried. */
    private double expectedMillis(PartitionPlan candidate) {
        double predicted = candidate.predictedStepTime().toNanos() / 1e6;
        return trial.measured().stream()
                .filter(tried -> tried.plan().kind().equals(candidate.kind()))
                .mapToDouble(tried -> predicted
                        * tried.stepMillis()
                        / (tried.plan().predictedStepTime().toNanos() / 1e6))
                .findFirst()
                .orElse(predicted);
    }

    private PartitionPlan change(PartitionPlan next, Slowdowns assumed, String why) {
        reason = why;
        lastDecision = steps;
        plan = next;
        slowdowns = assumed;
        window = new DriftWindow(parts(next));
        leastRatio = Double.POSITIVE_INFINITY;
        drifted = 0;
        log.info("New plan after step {}, since {}: {}", steps, why, next.summary());
        if (changes.size() == MOST_KEPT) {
            changes.remove(0);
        }
        changes.add(new PlanChange(steps, why, next));
        return next;
    }
}
