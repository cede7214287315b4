package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Workers;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import java.util.function.ToLongFunction;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs the training steps of a plan: owns the workers, the replicas and their memory.
 *
 * <p>Each worker is pinned to the cores of its device, with as many threads for an operation. It takes one step at a time,
 * and within a step no more micro-batches are in flight than the schedule has copies for.
 */
public final class TaskController implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Duration WARN_AFTER = Duration.ofMinutes(1);
    private static final Duration GIVE_UP_AFTER = Duration.ofMinutes(15);
    private static final long CHECK_MILLIS = 1_000;
    private static final long CLOSE_MILLIS = 30_000;

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final Schedule schedule;
    private final Workers layout;
    private final int microBatches;
    private final int maxThreads;
    private final UpdateThreads updateThreads;
    private final Map<Integer, Program> programs = new HashMap<>();
    private final DeviceRuntime runtime;
    private final Placement placement;
    private final @Nullable DeviceParameters deviceParameters;
    private final @Nullable JointMicroBatches joint;
    private final @Nullable TileSetup tileSetup;

    /** By stage, its replicas. */
    private final List<List<StagePart>> parts = new ArrayList<>();

    private final List<StageWorker> workers = new ArrayList<>();
    private final Watchdog watchdog;

    /** By replica of a stage: what it had been busy for before the last step. */
    private final long[] busyBefore;

    private volatile @Nullable Step running;
    private volatile @Nullable StepTimes lastTimes;
    private volatile boolean closed;
    private boolean stuck;

    /**
     * Starts the workers.
     *
     * @param graph the pipeline's graph, with parameters and gradient array
     * @param plan a plan for this graph
     * @param kernels with which code vertices are run
     * @param batchNorm over what statistics are taken; those of several micro-batches are joined if each has a replica of
     *     its own
     * @param tiles the vertices that are run in tiles, or null for none
     * @param devices all there are; those that no stage uses run tiles
     */
    public TaskController(
            ComputationGraph graph,
            PartitionPlan plan,
            Schedule schedule,
            KernelChoice kernels,
            BatchNormStatistics batchNorm,
            @Nullable TiledRegion tiles,
            List<Device> devices) {
        this(graph, plan, schedule, kernels, batchNorm, tiles, devices, WARN_AFTER, GIVE_UP_AFTER);
    }

    TaskController(
            ComputationGraph graph,
            PartitionPlan plan,
            Schedule schedule,
            KernelChoice kernels,
            BatchNormStatistics batchNorm,
            @Nullable TiledRegion tiles,
            List<Device> devices,
            Duration warnAfter,
            Duration giveUpAfter) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.schedule = schedule;
        this.layout = Program.workers(plan);
        this.microBatches = plan.microBatches();
        this.maxThreads = plan.stages().stream()
                .flatMap(stage -> stage.devices().stream())
                .mapToInt(Device::threads)
                .max()
                .orElse(1);
        int[] stageOf = StageAssignment.check(plan, vertices);
        Program program = program(microBatches);
        String name = "pipeline-" + COUNT.incrementAndGet();
        tileSetup = tiles == null ? null : TileAssignment.of(tiles, plan, stageOf, vertices, devices, name);
        boolean keepPreActivations = program.keepsPreActivations();
        List<List<Integer>> positions = StageAssignment.positions(stageOf, layout.stages());
        runtime = DeviceRuntimes.of(plan.stages().get(0).device());
        if (runtime.sharesMemory()) {
            List<GraphCopy> copies = new ArrayList<>();
            for (int i = 0; i < program.copies(); i++) {
                copies.add(
                        new GraphCopy(graph, stageOf, kernels, keepPreActivations, name + "-replica-" + i, tileSetup));
            }
            joint = plan.runsMicroBatchesTogether()
                    ? JointMicroBatches.across(copies, batchNorm == BatchNormStatistics.FULL_BATCH)
                    : null;
            placement = new SharedPlacement(graph, vertices, copies, joint, positions, layout.replicas(), microBatches);
            deviceParameters = null;
        } else {
            joint = null;
            Transfers transfers = new Transfers();
            DevicePlacement onDevices = new DevicePlacement(
                    runtime,
                    transfers,
                    graph,
                    vertices,
                    stageOf,
                    positions,
                    plan,
                    program,
                    kernels,
                    keepPreActivations,
                    name);
            placement = onDevices;
            deviceParameters = new DeviceParameters(runtime, transfers, graph, onDevices.stages(), this::eachStage);
        }
        makeParts(name, plan, positions);
        updateThreads = new UpdateThreads(
                name,
                plan.devices().list().stream()
                        .mapToInt(device -> device.threads() - 1)
                        .sum());
        busyBefore = new long[parts.stream().mapToInt(List::size).sum()];
        startWorkers(name, plan);
        this.watchdog = new Watchdog(workers, warnAfter, giveUpAfter);
    }

    private void makeParts(String name, PartitionPlan plan, List<List<Integer>> positions) {
        boolean workspaces = graph.getConfiguration().getTrainingWorkspaceMode() != WorkspaceMode.NONE;
        for (int stage = 0; stage < layout.stages(); stage++) {
            int replicas = layout.replicas(stage);
            boolean recompute = plan.stages().get(stage).recompute();
            List<StagePart> ofStage = new ArrayList<>();
            for (int replica = 0; replica < replicas; replica++) {
                StageScratch scratch = new StageScratch(partName(name, stage, replica, replicas), workspaces);
                ofStage.add(new StagePart(
                        stage,
                        replica,
                        new StageRunner(stage, positions.get(stage), scratch, recompute),
                        scratch,
                        placement.gradients(stage, replica),
                        placement.replicaSums(stage),
                        new AtomicLong()));
            }
            parts.add(ofStage);
        }
    }

    private static String partName(String name, int stage, int replica, int replicas) {
        return name + "-stage-" + stage + (replicas > 1 ? "-replica-" + replica : "");
    }

    private void startWorkers(String name, PartitionPlan plan) {
        for (int worker = 0; worker < layout.count(); worker++) {
            int number = worker;
            List<StagePart> own = parts.stream()
                    .flatMap(List::stream)
                    .filter(part -> layout.worker(part.stage(), part.replica()) == number)
                    .toList();
            StagePart first = own.get(0);
            Device device = plan.stages().get(first.stage()).devices().get(first.replica());
            String ofFirst = partName(name, first.stage(), first.replica(), layout.replicas(first.stage()));
            workers.add(new StageWorker(
                    ofFirst + (own.size() > 1 ? "-and-others-" : "-") + device.id(),
                    worker,
                    own,
                    device,
                    placement,
                    vertices));
        }
    }

    private Program program(int count) {
        return programs.computeIfAbsent(count, n -> Program.of(schedule, layout, n));
    }

    /**
     * Runs one step, forward and backward. On return the graph's flat gradient array holds the sums over the batch.
     *
     * @throws PipelineException if a stage fails, or the calling thread is interrupted; nothing has changed then
     * @throws IllegalStateException if this controller is closed
     */
    public synchronized StepResult run(StepRequest request) {
        requireUsable();
        List<MicroBatch> split = request.batch().split(microBatches);
        Program program = program(split.size());
        ActivationCapture capture = request.keepActivations() ? new ActivationCapture(vertices, split.size()) : null;
        Step step = new Step(request, program, split, capture, joint);
        running = step;
        int next = 0;
        for (List<StagePart> ofStage : parts) {
            for (StagePart part : ofStage) {
                busyBefore[next++] = part.busyNanos().get();
            }
        }
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(maxThreads)) {
            runtime.synchronize(); // the caller may just have computed the batch
            workers.forEach(worker -> worker.submit(step));
            await(step);
        } finally {
            running = null;
        }
        Failure failure = step.failure();
        if (failure != null || step.isStopped()) {
            reset();
        }
        if (failure != null) {
            throw failure.rethrow();
        }
        if (step.isStopped()) {
            throw new IllegalStateException("The pipeline was closed during a training step; the step has no effect");
        }
        lastTimes = step.times();
        if (deviceParameters == null) {
            writeStatistics();
        } else {
            deviceParameters.sumReplicas(program::activeReplicas);
        }
        // A single micro-batch has the term in its score already, added as plain fit adds it.
        double regularization = split.size() > 1 ? request.regularization() : 0;
        return new StepResult(
                join(step.gradients()),
                step.score().get() + regularization,
                capture == null ? Map.of() : capture.join());
    }

    private void writeStatistics() {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            for (List<StagePart> ofStage : parts) {
                ofStage.get(0)
                        .gradients()
                        .writeStatistics(ofStage.stream()
                                .skip(1)
                                .map(StagePart::gradients)
                                .toList());
            }
        }
    }

    private void requireUsable() {
        if (closed) {
            throw new IllegalStateException("This pipeline is closed");
        }
        if (stuck) {
            throw new IllegalStateException(
                    "A worker of this pipeline hangs in an earlier step; close it and build a new one");
        }
    }

    /** Waits until every worker has left the step, however it ends. */
    private void await(Step step) {
        InterruptedException interrupted = null;
        watchdog.begin("No stage has begun a vertex");
        while (true) {
            try {
                if (step.awaitWorkers(CHECK_MILLIS)) {
                    break;
                }
                watchdog.check();
            } catch (InterruptedException e) {
                interrupted = e;
                step.stop();
            } catch (IllegalStateException e) {
                stuck = true;
                step.stop();
                throw new PipelineException("Training step does not end: " + e.getMessage(), e);
            }
        }
        if (interrupted != null) {
            Thread.currentThread().interrupt();
            if (step.failure() == null) {
                reset();
                throw new PipelineException("Interrupted while waiting for the stages of a training step", interrupted);
            }
        }
    }

    /** Runs work for each stage in the worker of its first replica, and waits for all. */
    private void eachStage(IntConsumer work) {
        requireUsable();
        Map<Integer, List<Integer>> stagesOfWorker = new HashMap<>();
        for (int stage = 0; stage < layout.stages(); stage++) {
            stagesOfWorker
                    .computeIfAbsent(layout.worker(stage, 0), worker -> new ArrayList<>())
                    .add(stage);
        }
        List<CompletableFuture<?>> running = new ArrayList<>();
        stagesOfWorker.forEach((worker, stages) -> running.add(
                workers.get(worker).call(() -> stages.forEach(stage -> runNamed(work, stage, workers.get(worker))))));
        await(CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)));
    }

    /** Waits for work between two passes. It is not called off half done, so an interrupt is kept for later. */
    private void await(CompletableFuture<Void> work) {
        boolean interrupted = false;
        watchdog.begin("No stage has ended its update");
        try {
            while (true) {
                try {
                    work.get(CHECK_MILLIS, TimeUnit.MILLISECONDS);
                    return;
                } catch (TimeoutException e) {
                    watchdog.check();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw new PipelineException(String.valueOf(e.getCause().getMessage()), e.getCause());
        } catch (IllegalStateException e) {
            stuck = true;
            throw new PipelineException("Work between two passes does not end: " + e.getMessage(), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Runs the same work in as many threads at once as the devices have, between two steps, and waits. Its operations have one
     * thread each. Workers that have ended do not take part.
     */
    void inEachThread(Runnable work) {
        List<CompletableFuture<?>> running = new ArrayList<>();
        // Else BLAS would use all cores for each thread, and its threads wait for more in a loop that takes a core.
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(1)) {
            try {
                workers.forEach(worker -> running.add(worker.call(work).exceptionally(ended -> null)));
                running.addAll(updateThreads.start(work));
            } finally { // whatever happens, those that have begun use the caller's arrays
                await(CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)));
            }
        }
    }

    private static void runNamed(IntConsumer work, int stage, StageWorker worker) {
        try {
            work.accept(stage);
        } catch (RuntimeException e) {
            throw new PipelineException(
                    "Stage " + stage + " on device " + worker.device().id()
                            + " fails between forward and backward passes: " + e.getMessage(),
                    e);
        }
    }

    /** Parameters, gradients and updater state on the devices; null if these share memory. */
    public @Nullable DeviceParameters deviceParameters() {
        return deviceParameters;
    }

    /** The gradients of all vertices under the names that the updater knows, in the order of the parameters. */
    private Gradient join(Map<Integer, Gradient> ofVertices) {
        Gradient joined = new DefaultGradient(graph.getFlattenedGradients());
        ofVertices.forEach((position, gradient) -> {
            gradient.gradientForVariable()
                    .forEach((parameter, view) -> joined.setGradientFor(
                            vertices.get(position).name() + "_" + parameter,
                            deviceParameters == null ? view : deviceParameters.gradientOnHost(position, view),
                            gradient.flatteningOrderForVariable(parameter)));
        });
        return joined;
    }

    private void reset() {
        placement.reset();
        parts.forEach(ofStage -> ofStage.forEach(part -> part.scratch().destroy()));
    }

    /**
     * Time that each replica of each stage has spent in tasks of the last step, in milliseconds: those of the first stage,
     * then those of the second, and so on.
     */
    public synchronized double[] lastBusyMillis() {
        double[] millis = new double[busyBefore.length];
        int next = 0;
        for (List<StagePart> ofStage : parts) {
            for (StagePart part : ofStage) {
                millis[next] = (part.busyNanos().get() - busyBefore[next]) / 1e6;
                next++;
            }
        }
        return millis;
    }

    /** When the tasks of the last step have run; empty before there was one. */
    public Optional<StepTimes> lastTimes() {
        return Optional.ofNullable(lastTimes);
    }

    /** Time that each stage has spent in tasks since the start, in nanoseconds, all its replicas together. */
    public long[] busyNanos() {
        return perStage(part -> part.busyNanos().get());
    }

    /** Bytes of activation and working memory that each stage has reserved, for all its replicas. */
    public long[] memoryBytes() {
        long[] bytes = perStage(part -> part.scratch().bytes());
        for (int stage = 0; stage < bytes.length; stage++) {
            bytes[stage] += placement.bytes(stage);
        }
        return bytes;
    }

    /** What the tiles of a micro-batch have taken; empty before the first step, and without tiles. */
    public Optional<TileMeasurement> tileMeasurement() {
        return placement.tileMeasurement();
    }

    private long[] perStage(ToLongFunction<StagePart> value) {
        return parts.stream()
                .mapToLong(ofStage -> ofStage.stream().mapToLong(value).sum())
                .toArray();
    }

    /** Stops a running step, ends the workers and frees the memory. Closing twice has no effect. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Step step = running;
        if (step != null) {
            step.stop();
        }
        workers.forEach(StageWorker::close);
        updateThreads.close();
        if (tileSetup != null) {
            tileSetup.crew().close();
        }
        boolean ended = true;
        boolean interrupted = false;
        for (StageWorker worker : workers) {
            try {
                worker.thread().join(CLOSE_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            ended &= !worker.thread().isAlive();
        }
        if (ended) {
            synchronized (this) { // a step that was stopped resets too
                try {
                    if (deviceParameters != null) {
                        deviceParameters.close();
                    }
                } finally {
                    reset();
                    placement.close();
                }
            }
        } // otherwise a worker still uses the memory; it goes with the process
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
