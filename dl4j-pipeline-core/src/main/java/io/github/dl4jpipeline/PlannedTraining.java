package io.github.dl4jpipeline;

import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineSettings.FoundProfile;
import io.github.dl4jpipeline.TrainingEvents.ComputedStep;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.execute.ParameterStore;
import io.github.dl4jpipeline.internal.execute.StepRequest;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.TaskController;
import io.github.dl4jpipeline.internal.execute.TileAssignment;
import io.github.dl4jpipeline.internal.inference.Inference;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StepRecord;
import io.github.dl4jpipeline.report.StepTimeline;
import java.time.Duration;
import java.util.List;
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

    private final ComputationGraph graph;
    private final PipelineSettings settings;
    private final ParameterStore parameters;
    private final Inference inference;
    private final @Nullable FirstStepCheck check;
    private final TrainingEvents events;
    private final RecordedSteps recorded = new RecordedSteps();
    private boolean announced;

    /** Guards what follows. */
    private final Object lock = new Object();

    private final PlanChoice choice;
    private @Nullable TiledRegion tiles;
    private @Nullable RunningPlan running;
    private long steps;
    private volatile boolean closed;

    /** @param inference runs in tiles what training does */
    PlannedTraining(ComputationGraph graph, PipelineSettings settings, ParameterStore parameters, Inference inference) {
        this.graph = graph;
        this.settings = settings;
        this.parameters = parameters;
        this.inference = inference;
        this.events = new TrainingEvents(new PipelineListeners(settings.listeners()));
        this.check = settings.result().verifyFirstStep() ? new FirstStepCheck(graph, settings.runtime()) : null;
        this.choice = new PlanChoice(graph, settings);
    }

    /** Makes the plan now if it needs no batch: if the user has given it, or a profile. */
    void planWithoutBatch() {
        choice.makeWithoutBatch();
        planMade();
    }

    private void planMade() {
        PartitionPlan plan = choice.plan().orElse(null);
        tiles = settings.tiledRegion(graph, plan);
        if (tiles != null && plan != null) {
            TileAssignment.check(tiles, plan, VertexGraph.of(graph));
        }
        inference.useTiles(tiles);
        inference.useStock(settings.stockVertices(choice.profile().orElse(null)));
    }

    Optional<PartitionPlan> plan() {
        synchronized (lock) {
            return choice.plan();
        }
    }

    /** What the plan was made from; empty if it was made without a profile, or not yet. */
    Optional<GraphProfile> profile() {
        synchronized (lock) {
            return choice.profile();
        }
    }

    /** Goes on with one plan from now on, whatever steps take; empty if there is none yet. */
    Optional<PartitionPlan> keepPlan() {
        synchronized (lock) {
            choice.keep().ifPresent(events::changed);
            return choice.coming();
        }
    }

    /** Computes gradient and score of a batch. */
    StepResult step(MicroBatch batch, boolean keepActivations) {
        profileIfNeeded(batch);
        profileThoroughlyIfDue(batch);
        RunningPlan workers = workersFor(batch);
        if (!announced) {
            announced = true;
            announce();
        }
        long whole = System.nanoTime();
        parameters.beginStep();
        double regularization = parameters.current().regularization();
        long start = System.nanoTime();
        StepResult result = workers.run(new StepRequest(
                batch, graph.getIterationCount(), graph.getEpochCount(), regularization, keepActivations));
        long nanos = System.nanoTime() - start;
        verify(batch, result);
        done(workers, new Done(batch.examples(), result.score(), whole, start, nanos));
        return result;
    }

    /** Takes its time before the lock, so that other threads need not wait for it. */
    private void profileIfNeeded(MicroBatch batch) {
        synchronized (lock) {
            requireOpen();
            if (choice.plan().isPresent()) {
                return;
            }
        }
        long start = System.nanoTime();
        FoundProfile found = settings.profileFor(graph, batch, events::profiling);
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        synchronized (lock) {
            choice.useProfile(found, time);
        }
    }

    /**
     * Takes a thorough profile once code has been compiled, and makes the plans anew. Until then training runs with the plan of a
     * brief one.
     */
    private void profileThoroughlyIfDue(MicroBatch batch) {
        PartitionPlan begun;
        synchronized (lock) {
            if (!choice.canProfile(batch) || running == null || !running.isWarm()) {
                return;
            }
            requireOpen();
            begun = choice.plan().orElseThrow();
            choice.beginToProfile();
            endWorkers(); // a profile takes memory too
        }
        try {
            GraphProfile thorough = settings.thoroughProfile(graph, batch, events::profiling);
            List<PartitionPlan> better = settings.betterPlans(graph, thorough, begun);
            synchronized (lock) {
                if (!choice.useThorough(thorough, better, steps)) {
                    return;
                }
            }
            events.profiled(steps, better.get(0));
        } catch (RuntimeException e) {
            log.warn("Training goes on with the plan it has, since a thorough profile failed", e);
        }
    }

    private void endWorkers() {
        if (running != null) {
            parameters.useHost();
            running.close();
            running = null;
        }
    }

    /** Tells listeners of the first plan. */
    private void announce() {
        if (!events.isSilent()) {
            PlanChosen chosen;
            synchronized (lock) {
                chosen = choice.chosen();
            }
            events.chosen(chosen);
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
        PartitionPlan used = plan().orElse(null);
        if (check != null && used != null && check.isDue(used)) {
            parameters.current().gather();
            parameters.current().gatherGradients();
            check.check(used, batch, result);
        }
    }

    private RunningPlan workersFor(MicroBatch batch) {
        synchronized (lock) {
            requireOpen();
            if (running != null && choice.hasNext() && batch.beginsSequences()) {
                endWorkers();
                choice.takeNext();
            }
            if (running == null) {
                running = start(batch);
            }
            return running;
        }
    }

    private RunningPlan start(MicroBatch batch) {
        if (choice.plan().isEmpty()) {
            choice.make((int) batch.examples());
            planMade();
        }
        PartitionPlan plan = choice.begin(batch, steps);
        TaskController workers = new TaskController(new TaskController.Setup(
                graph,
                plan,
                settings.schedule(plan),
                settings.kernelChoice(choice.profile().orElse(null)),
                settings.result().batchNorm(),
                tiles,
                settings.devices().list()));
        parameters.use(workers.parameters());
        PlanEvent.record(plan);
        return new RunningPlan(workers);
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

    /** Keeps what the step has taken; the next one may be run with another plan. */
    private void done(RunningPlan workers, Done step) {
        synchronized (lock) {
            PartitionPlan used = choice.plan().orElseThrow();
            steps++;
            workers.add(step.nanos());
            StepMeasurement measured = workers.lastStep(step.millis());
            Optional<StepTimeline> timeline = workers.timeline(transfers());
            timeline.ifPresent(tasks -> record(workers, step, used, tasks));
            if (!events.isSilent()) {
                events.computed(new ComputedStep(
                        step.wholeNanos(),
                        workers.beginNanos().orElse(step.wholeNanos()),
                        step.millis(),
                        step.examples(),
                        used,
                        workers.hasRunBefore(),
                        choice.isSettled(true),
                        workers.stagesOf(measured, used),
                        timeline));
            }
            choice.afterStep(step.examples(), measured).ifPresent(events::changed);
        }
    }

    private void record(RunningPlan workers, Done step, PartitionPlan used, StepTimeline tasks) {
        recorded.add(
                step.startNanos(),
                begin -> new StepRecord(
                        graph.getIterationCount(),
                        begin,
                        step.millis(),
                        step.examples(),
                        step.score(),
                        used,
                        workers.memoryBytes(),
                        tasks));
    }

    /** Lets a test say what steps have taken, instead of the clock. */
    void replaceMeasurements(UnaryOperator<StepMeasurement> replacement) {
        choice.replaceMeasurements(replacement);
    }

    /** What has been measured since the last plan. */
    PipelineReport report(PartitionPlan planned) {
        synchronized (lock) {
            return new PipelineReport(
                    planned,
                    running == null
                            ? RunningPlan.notRunning(planned, transfers())
                            : running.measured(planned, transfers()),
                    choice.history(running != null),
                    recorded.history(),
                    check == null ? Optional.empty() : check.of(planned));
        }
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
        RunningPlan last;
        synchronized (lock) {
            closed = true;
            last = running;
        }
        if (last != null) {
            last.close();
        }
    }
}
