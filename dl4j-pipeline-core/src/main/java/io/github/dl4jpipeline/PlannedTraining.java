package io.github.dl4jpipeline;

import io.github.dl4jpipeline.PipelineListener.Cause;
import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineSettings.FoundProfile;
import io.github.dl4jpipeline.TrainingEvents.ComputedStep;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.NativeHeap;
import io.github.dl4jpipeline.internal.execute.ParameterStore;
import io.github.dl4jpipeline.internal.execute.StepRequest;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.StepTimes;
import io.github.dl4jpipeline.internal.execute.TaskController;
import io.github.dl4jpipeline.internal.execute.TileAssignment;
import io.github.dl4jpipeline.internal.inference.Inference;
import io.github.dl4jpipeline.internal.plan.Replanner;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.MeasuredSteps;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.PlanHistory;
import io.github.dl4jpipeline.report.SequenceSteps;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.report.StepRecord;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.report.TransferReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plan of a pipeline, and the workers that train by it. Both are made at the first step. They may change between
 * two steps: at first to measure plans that may be as fast, later if devices have drifted from the plan.
 */
final class PlannedTraining {
    private static final Logger log = LoggerFactory.getLogger(PlannedTraining.class);

    /** Before a thorough profile is taken: so many steps, and so much time in them. */
    private static final int LEAST_STEPS = 3;

    private static final long LEAST_NANOS = 2_000_000_000L;

    private final ComputationGraph graph;
    private final PipelineSettings settings;
    private final ParameterStore parameters;
    private final Inference inference;
    private final @Nullable FirstStepCheck check;
    private final TrainingEvents events;

    private final Object lock = new Object();
    private @Nullable GraphProfile profile;
    private List<PartitionPlan> finalists = List.of();
    private @Nullable PartitionPlan plan;
    private @Nullable TiledRegion tiles;
    private @Nullable TaskController controller;
    private @Nullable Replanner replanner;
    private @Nullable PartitionPlan nextPlan;
    private UnaryOperator<StepMeasurement> measurements = UnaryOperator.identity();
    private boolean kept;
    private boolean announced;
    private Duration profilingTime = Duration.ZERO;
    private boolean cached;

    /** Whether the profile is a brief one, and a thorough one is to take its place. */
    private boolean isBrief;

    private long allSteps;
    private volatile boolean closed;
    private long steps;
    private long stepNanos;
    private final RecordedSteps recorded = new RecordedSteps();

    /** @param inference runs in tiles what training does */
    PlannedTraining(ComputationGraph graph, PipelineSettings settings, ParameterStore parameters, Inference inference) {
        this.graph = graph;
        this.settings = settings;
        this.parameters = parameters;
        this.inference = inference;
        this.events = new TrainingEvents(new PipelineListeners(settings.listeners()));
        this.check = settings.result().verifyFirstStep() ? new FirstStepCheck(graph, settings.runtime()) : null;
    }

    /** Makes the plan now if it needs no batch: if the user has given it, or a profile. */
    void planWithoutBatch() {
        profile = settings.profile();
        use(settings.plansWithoutBatch(graph));
    }

    private void use(List<PartitionPlan> made) {
        finalists = made;
        plan = made.isEmpty() ? null : made.get(0);
        tiles = settings.tiledRegion(graph, plan);
        if (tiles != null && plan != null) {
            TileAssignment.check(tiles, plan, VertexGraph.of(graph));
        }
        inference.useTiles(tiles);
        inference.useStock(settings.stockVertices(profile));
    }

    Optional<PartitionPlan> plan() {
        synchronized (lock) {
            return Optional.ofNullable(plan);
        }
    }

    /** What the plan was made from; empty if it was made without a profile, or not yet. */
    Optional<GraphProfile> profile() {
        synchronized (lock) {
            return Optional.ofNullable(profile);
        }
    }

    /** Goes on with one plan from now on, whatever steps take; empty if there is none yet. */
    Optional<PartitionPlan> keepPlan() {
        synchronized (lock) {
            if (replanner != null && !kept) {
                boolean settled = replanner.isSettled();
                goOnWith(replanner.settle());
                if (!settled) {
                    events.changed(replanner.plan(), Cause.CHOSEN, replanner);
                }
            }
            kept = true;
            return Optional.ofNullable(nextPlan == null ? plan : nextPlan);
        }
    }

    /** Computes gradient and score of a batch. */
    StepResult step(MicroBatch batch, boolean keepActivations) {
        profileIfNeeded(batch);
        profileThoroughlyIfDue(batch);
        TaskController running = controllerFor(batch);
        if (!announced) {
            announced = true;
            announce();
        }
        long whole = System.nanoTime();
        parameters.beginStep();
        double regularization = parameters.current().regularization();
        long start = System.nanoTime();
        StepResult result = running.run(new StepRequest(
                batch, graph.getIterationCount(), graph.getEpochCount(), regularization, keepActivations));
        long nanos = System.nanoTime() - start;
        verify(batch, result);
        done(running, new Done(batch.examples(), result.score(), whole, start, nanos));
        return result;
    }

    /** Takes its time before the lock, so that other threads need not wait for it. */
    private void profileIfNeeded(MicroBatch batch) {
        synchronized (lock) {
            requireOpen();
            if (plan != null) {
                return;
            }
        }
        long start = System.nanoTime();
        FoundProfile found = settings.profileFor(graph, batch, events::profiling);
        profilingTime = Duration.ofNanos(System.nanoTime() - start);
        synchronized (lock) {
            profile = found.profile();
            cached = found.cached();
            isBrief = found.brief();
        }
    }

    /**
     * Takes a thorough profile once code has been compiled, and makes the plans anew. Until then training runs with the plan of a
     * brief one.
     */
    private void profileThoroughlyIfDue(MicroBatch batch) {
        PartitionPlan begun;
        synchronized (lock) {
            begun = plan;
            if (!isBrief
                    || kept
                    || !batch.beginsSequences()
                    || begun == null
                    || batch.examples() != begun.examples()
                    || steps < LEAST_STEPS
                    || stepNanos < LEAST_NANOS) {
                return;
            }
            isBrief = false;
            requireOpen();
            endWorkers(); // a profile takes memory too
        }
        try {
            GraphProfile thorough = settings.thoroughProfile(graph, batch, events::profiling);
            List<PartitionPlan> better = settings.betterPlans(graph, thorough, begun);
            synchronized (lock) {
                if (kept) {
                    return;
                }
                profile = thorough;
                finalists = better;
                plan = better.get(0);
                replanner = settings.replanner(graph, thorough, better, allSteps);
            }
            events.profiled(allSteps, better.get(0));
        } catch (RuntimeException e) {
            log.warn("Training goes on with the plan it has, since a thorough profile failed", e);
        }
    }

    private void endWorkers() {
        if (controller != null) {
            parameters.useHost();
            NativeHeap.giveBack(controller::close);
            controller = null;
            steps = 0;
            stepNanos = 0;
        }
    }

    /** Tells listeners of the first plan. */
    private void announce() {
        if (!events.isSilent()) {
            events.chosen(new PlanChosen(plan().orElseThrow(), candidates(), profile(), cached, profilingTime));
        }
    }

    private List<PartitionPlan> candidates() {
        synchronized (lock) {
            PartitionPlan first = Objects.requireNonNull(plan);
            return replanner == null ? List.of(first) : finalists;
        }
    }

    /** The step that was computed last is committed. */
    void committed(int iteration, int epoch, double score, long updatedNanos) {
        events.committed(iteration, epoch, score, updatedNanos);
    }

    /** {@code fit} throws this. */
    void failed(Throwable failure) {
        events.failed(failure, graph.getIterationCount(), plan());
    }

    private void verify(MicroBatch batch, StepResult result) {
        PartitionPlan used = plan;
        if (check != null && used != null && check.isDue(used)) {
            parameters.current().gather();
            parameters.current().gatherGradients();
            check.check(used, batch, result);
        }
    }

    private TaskController controllerFor(MicroBatch batch) {
        synchronized (lock) {
            requireOpen();
            if (controller != null && nextPlan != null && batch.beginsSequences()) {
                endWorkers();
                plan = nextPlan;
                nextPlan = null;
            }
            if (controller == null) {
                controller = start(batch);
            }
            return controller;
        }
    }

    private TaskController start(MicroBatch batch) {
        if (plan == null) {
            use(settings.plans(graph, Objects.requireNonNull(profile), (int) batch.examples()));
        }
        if (replanner == null && !isBrief) {
            replanner = settings.replanner(graph, profile, finalists, allSteps);
        }
        plan = settings.planThatFits(graph, plan, profile, batch);
        TaskController started = new TaskController(new TaskController.Setup(
                graph,
                plan,
                settings.schedule(plan),
                settings.kernelChoice(profile),
                settings.result().batchNorm(),
                tiles,
                settings.devices().list()));
        parameters.use(started.parameters());
        PlanEvent.record(plan);
        return started;
    }

    /**
     * A step that has been run.
     *
     * @param wholeNanos when it began, with what comes before the forward passes
     * @param startNanos when the forward passes began
     * @param nanos time of forward and backward passes
     */
    private record Done(long examples, double score, long wholeNanos, long startNanos, long nanos) {
        double millis() {
            return nanos / 1e6;
        }
    }

    /** Measured against predicted; the next step may be run with another plan. */
    private void done(TaskController running, Done step) {
        synchronized (lock) {
            PartitionPlan used = Objects.requireNonNull(plan);
            steps++;
            allSteps++;
            stepNanos += step.nanos();
            StepMeasurement measured = new StepMeasurement(step.millis(), running.lastBusyMillis());
            List<Long> memory = Arrays.stream(running.memoryBytes()).boxed().toList();
            Optional<StepTimeline> timeline = timeline(running, transfers());
            timeline.ifPresent(tasks -> recorded.add(
                    step.startNanos(),
                    begin -> new StepRecord(
                            graph.getIterationCount(),
                            begin,
                            step.millis(),
                            step.examples(),
                            step.score(),
                            used,
                            memory,
                            tasks)));
            if (!events.isSilent()) {
                events.computed(computed(running, step, measured, memory, timeline));
            }
            boolean counts = step.examples() == used.examples() && nextPlan == null;
            if (replanner != null && !kept && counts) {
                boolean settled = replanner.isSettled();
                Optional<PartitionPlan> next = replanner.afterStep(measurements.apply(measured));
                next.ifPresent(this::goOnWith);
                if (!settled && replanner.isSettled()) {
                    events.changed(replanner.plan(), Cause.CHOSEN, replanner);
                } else if (next.isPresent()) {
                    events.changed(next.get(), settled ? Cause.DEVICES : Cause.TURN, replanner);
                }
            }
        }
    }

    private ComputedStep computed(
            TaskController running,
            Done step,
            StepMeasurement measured,
            List<Long> memory,
            Optional<StepTimeline> timeline) {
        PartitionPlan used = Objects.requireNonNull(plan);
        List<StageReport> stages = new ArrayList<>();
        int worker = 0;
        for (int stage = 0; stage < used.stages().size(); stage++) {
            int replicas = used.stages().get(stage).replicas();
            double busy = 0;
            for (int replica = 0; replica < replicas; replica++) {
                busy += measured.busyMillis()[worker++];
            }
            stages.add(new StageReport(busy / replicas, memory.get(stage)));
        }
        return new ComputedStep(
                step.wholeNanos(),
                running.lastTimes().map(StepTimes::beginNanos).orElse(step.wholeNanos()),
                step.millis(),
                step.examples(),
                used,
                steps > 1,
                isSettled(),
                stages,
                timeline);
    }

    private boolean isSettled() {
        return nextPlan == null
                && (kept || !isBrief)
                && (replanner == null ? controller != null : replanner.isSettled());
    }

    private void goOnWith(PartitionPlan next) {
        if (next.runsLike(plan)) {
            plan = next;
            nextPlan = null;
        } else {
            nextPlan = next;
        }
    }

    /** Lets a test say what steps have taken, instead of the clock. */
    void replaceMeasurements(UnaryOperator<StepMeasurement> replacement) {
        measurements = replacement;
    }

    private Optional<SequenceSteps> sequences() {
        return controller == null || controller.timeSteps() == 0
                ? Optional.empty()
                : Optional.of(new SequenceSteps(controller.timeSteps(), controller.skippedTimeSteps()));
    }

    /** What has been measured since the last plan. */
    PipelineReport report(PartitionPlan planned) {
        synchronized (lock) {
            long perStep = Math.max(1, steps);
            List<StageReport> stages = new ArrayList<>();
            for (int i = 0; i < planned.stages().size(); i++) {
                Stage stage = planned.stages().get(i);
                stages.add(
                        controller == null
                                ? new StageReport(0, 0)
                                : new StageReport(
                                        controller.busyNanos()[i] / 1e6 / perStep / stage.replicas(),
                                        controller.memoryBytes()[i]));
            }
            Transfers passed = transfers();
            return new PipelineReport(
                    planned,
                    new MeasuredSteps(
                            steps,
                            stepNanos / 1e6 / perStep,
                            stages,
                            TransferReport.of(passed, perStep),
                            lastStep(passed),
                            controller == null ? Optional.empty() : controller.tileMeasurement(),
                            sequences()),
                    new PlanHistory(
                            isSettled(),
                            replanner == null ? List.of() : replanner.measuredPlans(),
                            replanner == null ? List.of() : replanner.changes()),
                    recorded.history(),
                    check == null ? Optional.empty() : check.of(planned));
        }
    }

    private Optional<StepTimeline> lastStep(Transfers passed) {
        return Optional.ofNullable(controller).flatMap(used -> timeline(used, passed));
    }

    private static Optional<StepTimeline> timeline(TaskController used, Transfers passed) {
        return used.lastTimes().map(times -> StepTimeline.of(times.timeline(), times.beginNanos(), passed.ofStep()));
    }

    /** Transfers between devices since the last plan. */
    Transfers transfers() {
        return parameters.current().transfers();
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("This PipelineComputationGraph is closed; use the wrapped graph, or build"
                    + " a new pipeline from it");
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** Ends the workers, also those of a step that is running. */
    void close() {
        TaskController last;
        synchronized (lock) {
            closed = true;
            last = controller;
        }
        if (last != null) {
            NativeHeap.giveBack(last::close);
        }
    }
}
