package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.CallersThread;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.device.WorkerThread;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.MemoryKind;
import io.github.dl4jpipeline.internal.memory.ParameterMemory;
import io.github.dl4jpipeline.internal.memory.PipelineMemory;
import io.github.dl4jpipeline.internal.memory.StageMemory;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.schedule.ErrorsFirstSchedule;
import io.github.dl4jpipeline.internal.schedule.GroupingSchedule;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.GroupRunner;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.Peers;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import io.github.dl4jpipeline.internal.stage.TrailingSteps;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.MovableWeights;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Workers;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/**
 * Runs the training steps of a plan: owns the workers and the memory of their stages.
 *
 * <p>Each worker is pinned to the cores of its device, with as many threads for an operation. It takes one step at a time,
 * and within a step no more micro-batches are in flight than the schedule has copies for. A worker that is alone runs in the
 * thread that calls {@link #run}, which is pinned to nothing.
 */
public final class TaskController implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Duration WARN_AFTER = Duration.ofMinutes(1);
    private static final Duration GIVE_UP_AFTER = Duration.ofMinutes(15);

    /**
     * What is trained, and how.
     *
     * @param graph the pipeline's graph, with parameters and gradient array
     * @param plan a plan for this graph
     * @param kernels with which code vertices are run
     * @param batchNorm over what statistics are taken; those of several micro-batches are joined if each has a replica of
     *     its own
     * @param tiles the vertices that are run in tiles, or null for none
     * @param devices all there are; those that no stage uses run tiles
     * @param peers the workers in other processes, beside the one here; null if all are here
     */
    public record Setup(
            ComputationGraph graph,
            PartitionPlan plan,
            Schedule schedule,
            KernelChoice kernels,
            BatchNormStatistics batchNorm,
            @Nullable TiledRegion tiles,
            List<Device> devices,
            @Nullable Peers peers) {

        /** All workers are in this process. */
        public Setup(
                ComputationGraph graph,
                PartitionPlan plan,
                Schedule schedule,
                KernelChoice kernels,
                BatchNormStatistics batchNorm,
                @Nullable TiledRegion tiles,
                List<Device> devices) {
            this(graph, plan, schedule, kernels, batchNorm, tiles, devices, null);
        }
    }

    private final Setup setup;
    private final VertexGraph vertices;
    private final TrailingSteps trailing;
    private final Workers layout;
    /** How many micro-batches the last stage runs its last vertices for as one. */
    private final int grouped;

    private final Schedule order;
    private final String summary;
    private final int maxThreads;
    private final DeviceRuntime runtime;
    private final Map<Integer, StepTasks> tasks = new HashMap<>();
    private final @Nullable TileSetup tileSetup;
    private final StageWorkers workers;
    private final PipelineMemory memory;

    /** Those of the first stage, then those of the second, and so on. */
    private final List<StageReplica> replicas = new ArrayList<>();

    /** By replica: what it had been busy for before the last step. */
    private final long[] busyBefore;

    private volatile @Nullable Step running;
    private volatile @Nullable StepTimes lastTimes;

    private final AtomicLong timeSteps = new AtomicLong();
    private final AtomicLong skippedTimeSteps = new AtomicLong();
    private volatile boolean closed;

    /** Starts the workers. */
    public TaskController(Setup setup) {
        this(setup, WARN_AFTER, GIVE_UP_AFTER);
    }

    TaskController(Setup setup, Duration warnAfter, Duration giveUpAfter) {
        this.setup = setup;
        this.vertices = VertexGraph.of(setup.graph());
        this.trailing = TrailingSteps.of(setup.graph());
        PartitionPlan plan = setup.plan();
        this.layout = plan.taskWorkers();
        this.summary = plan.summary();
        List<Device> used = plan.devices().list();
        this.maxThreads = used.stream().mapToInt(Device::threads).max().orElse(1);
        this.runtime = DeviceRuntimes.of(plan.stages().get(0).device());
        MemoryKind kind = setup.peers() == null ? MemoryKind.of(runtime) : MemoryKind.amongPeers(runtime);
        this.grouped = kind.groupsMicroBatches() ? plan.grouped() : 1;
        Schedule grouping = GroupingSchedule.of(setup.schedule(), grouped);
        // Within a process, workers that wait take gradients of others.
        this.order = setup.peers() == null ? grouping : new ErrorsFirstSchedule(grouping);
        String name = "pipeline-" + COUNT.incrementAndGet();
        StageAssignment stages = StageAssignment.of(plan, vertices);
        TiledRegion tiles = setup.tiles();
        this.tileSetup = tiles == null ? null : TileAssignment.of(tiles, plan, stages, setup.devices(), name);
        this.workers = new StageWorkers(layout, warnAfter, giveUpAfter);
        PipelineMemory.Setup ofMemory = new PipelineMemory.Setup(
                setup.graph(),
                plan,
                stages,
                tasks(plan.microBatches()),
                setup.kernels(),
                setup.batchNorm(),
                tileSetup,
                name,
                setup.peers());
        this.memory = kind.maker().make(ofMemory, workers);
        for (int stage = 0; stage < stages.stages(); stage++) {
            boolean recompute = plan.stages().get(stage).recompute();
            for (int replica = 0; replica < layout.replicas(stage); replica++) {
                if (!isHere(layout.worker(stage, replica))) {
                    continue;
                }
                StageMemory own = memory.stage(stage, replica);
                GroupRunner group = own.groupRunner();
                List<Integer> positions = new ArrayList<>(stages.positions(stage));
                if (group != null) {
                    positions.removeAll(group.positions());
                }
                StageRunner runner = new StageRunner(stage, positions, own.scratch(), recompute);
                StageRunner weights = runner.with(own.weightScratch());
                GroupRunner weightsOfGroup = group == null ? null : group.with(own.weightScratch());
                replicas.add(new StageReplica(
                        stage, replica, runner, weights, group, weightsOfGroup, own, new AtomicLong()));
            }
        }
        busyBefore = new long[replicas.size()];
        try {
            workers.add(new UpdateThreads(
                    name, used.stream().mapToInt(device -> device.threads() - 1).sum()));
            for (int worker = 0; worker < layout.count(); worker++) {
                if (runsInCallersThread()) {
                    Device device = plan.stages().get(0).device();
                    workers.addInCallersThread(worker(worker, new CallersThread(device.threads())), name);
                } else if (isHere(worker)) {
                    workers.add(worker(worker, ofMemory));
                }
            }
        } catch (Throwable e) { // such as no more threads
            workers.end();
            memory.close();
            throw e;
        }
    }

    private boolean isHere(int worker) {
        return setup.peers() == null || setup.peers().worker() == worker;
    }

    /** Threads of tiles take part in a step, and other processes are waited for. */
    private boolean runsInCallersThread() {
        return layout.count() == 1 && tileSetup == null && setup.peers() == null && runtime.sharesMemory();
    }

    private StageWorker worker(int number, PipelineMemory.Setup names) {
        List<StageReplica> own = replicasOf(number);
        StageReplica first = own.get(0);
        String name = names.nameOf(first.stage(), first.replica());
        DeviceThread thread = DeviceThread.on(
                deviceOf(first),
                name + (own.size() > 1 ? "-and-others-" : "-") + deviceOf(first).id());
        StageWorker worker = worker(number, thread);
        thread.start();
        return worker;
    }

    private StageWorker worker(int number, WorkerThread thread) {
        List<StageReplica> own = replicasOf(number);
        List<StageReplica> others = memory.movesWeights()
                ? replicas.stream().filter(replica -> !own.contains(replica)).toList()
                : List.of();
        return new StageWorker(thread, number, own, others, deviceOf(own.get(0)), vertices);
    }

    private List<StageReplica> replicasOf(int worker) {
        return replicas.stream()
                .filter(replica -> layout.worker(replica.stage(), replica.replica()) == worker)
                .toList();
    }

    private Device deviceOf(StageReplica replica) {
        return setup.plan().stages().get(replica.stage()).devices().get(replica.replica());
    }

    private StepTasks tasks(int microBatches) {
        return tasks.computeIfAbsent(microBatches, count -> StepTasks.of(order, layout, count));
    }

    /**
     * Runs one step, forward and backward. On return the graph's flat gradient array holds the sums over the batch.
     *
     * @throws PipelineException if a stage fails, or the calling thread is interrupted; nothing has changed then
     * @throws IllegalStateException if this controller is closed
     */
    public synchronized StepResult run(StepRequest request) {
        workers.requireUsable();
        List<MicroBatch> whole = request.batch().split(setup.plan().microBatches());
        List<MicroBatch> split = request.keepActivations() ? whole : trailing.cut(whole);
        StepTasks ofStep = tasks(split.size());
        ActivationCapture capture = request.keepActivations() ? new ActivationCapture(vertices, split.size()) : null;
        long given = trailing.timeSteps(whole);
        long computed = trailing.timeSteps(split);
        int together = capture == null && ofStep.mayGroup(grouped) ? grouped : 1;
        List<MicroBatchGroup> groups = MicroBatchGroup.of(together, request.batch(), split);
        memory.beginStep(ofStep, split, groups, request.iteration(), request.epoch());
        MovableWeights movable = memory.movesWeights() ? MovableWeights.of(layout, ofStep.byWorker()) : null;
        Step step = new Step(request, ofStep, split, capture, memory.joint(), movable, workers.count());
        for (int i = 0; i < busyBefore.length; i++) {
            busyBefore[i] = replicas.get(i).busyNanos().get();
        }
        StepEvent event = new StepEvent();
        event.begin();
        try {
            runToEnd(step);
            memory.endStep(ofStep);
        } finally {
            memory.forgetStep();
        }
        timeSteps.addAndGet(given);
        skippedTimeSteps.addAndGet(given - computed);
        // A single micro-batch has the term in its score already, added as plain fit adds it.
        double regularization = split.size() > 1 ? request.regularization() : 0;
        double score = step.score().get() + regularization;
        record(event, request, score);
        return new StepResult(join(step.gradients()), score, capture == null ? Map.of() : capture.join());
    }

    private void record(StepEvent event, StepRequest request, double score) {
        event.end();
        if (event.shouldCommit()) {
            event.iteration = request.iteration();
            event.examples = request.batch().examples();
            event.plan = summary;
            event.score = score;
            event.commit();
        }
    }

    private void runToEnd(Step step) {
        InterruptedException interrupted;
        running = step;
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(maxThreads)) {
            runtime.synchronize(); // the caller may just have computed the batch
            interrupted = workers.run(step);
        } finally {
            running = null;
        }
        if (step.isStopped()) {
            memory.reset();
        }
        Failure failure = step.failure();
        if (failure != null) {
            throw failure.rethrow();
        }
        if (interrupted != null) {
            throw new PipelineException("Interrupted while waiting for the stages of a training step", interrupted);
        }
        if (step.isStopped()) {
            throw new IllegalStateException("The pipeline was closed during a training step; the step has no effect");
        }
        lastTimes = step.times();
    }

    /** The gradients of all vertices under the names that the updater knows, in the order of the parameters. */
    private Gradient join(Map<Integer, Gradient> ofVertices) {
        ParameterMemory parameters = memory.parameters();
        Gradient joined = new DefaultGradient(setup.graph().getFlattenedGradients());
        ofVertices.forEach((position, gradient) -> {
            gradient.gradientForVariable()
                    .forEach((parameter, view) -> joined.setGradientFor(
                            vertices.get(position).name() + "_" + parameter,
                            parameters.gradientOnHost(position, view),
                            gradient.flatteningOrderForVariable(parameter)));
        });
        return joined;
    }

    /** Parameters, gradients and updater state of the stages. */
    public ParameterMemory parameters() {
        return memory.parameters();
    }

    /**
     * Time that each replica of each stage has spent in tasks of the last step, in milliseconds: those of the first stage,
     * then those of the second, and so on.
     */
    public synchronized double[] lastBusyMillis() {
        double[] millis = new double[busyBefore.length];
        for (int i = 0; i < millis.length; i++) {
            millis[i] = (replicas.get(i).busyNanos().get() - busyBefore[i]) / 1e6;
        }
        return millis;
    }

    /** When the tasks of the last step have run; empty before there was one. */
    public Optional<StepTimes> lastTimes() {
        return Optional.ofNullable(lastTimes);
    }

    /** Time steps of masked sequences, all examples together, since the start; 0 where none are left out. */
    public long timeSteps() {
        return timeSteps.get();
    }

    /** Those of them that were not computed. */
    public long skippedTimeSteps() {
        return skippedTimeSteps.get();
    }

    /** Time that each stage has spent in tasks since the start, in nanoseconds, all its replicas together. */
    public long[] busyNanos() {
        long[] nanos = new long[layout.stages()];
        replicas.forEach(
                replica -> nanos[replica.stage()] += replica.busyNanos().get());
        return nanos;
    }

    /** Bytes of activation and working memory that each stage has reserved, for all its replicas. */
    public long[] memoryBytes() {
        long[] bytes = new long[layout.stages()];
        for (int stage = 0; stage < bytes.length; stage++) {
            bytes[stage] = memory.bytes(stage);
        }
        return bytes;
    }

    /** What the tiles of a micro-batch have taken; empty before the first step, and without tiles. */
    public Optional<TileMeasurement> tileMeasurement() {
        return memory.tileMeasurement();
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
        workers.end();
        if (tileSetup != null) {
            tileSetup.crew().close();
        }
        if (workers.awaitEnd()) {
            synchronized (this) { // a step that was stopped resets too
                memory.close();
            }
        } // otherwise a worker still uses the memory; it goes with the process
    }
}
