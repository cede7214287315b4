package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.exception.PipelineException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters, gradients and updater state that are on the devices of the stages. The host has arrays of the same content
 * only after {@link #gather}.
 *
 * <p>The updater runs on the first replica of each stage; the others get the new parameters from it.
 */
final class DeviceParameters implements SeparateParameters {
    private static final String HOST = "host";

    private static final int BEGUN = 1;
    private static final int DONE = 2;

    /** Elements of another replica's gradients that are on a device besides its own. */
    private static final long MOST_ADDED = 1 << 20;

    private final DeviceRuntime runtime;
    private final Transfers transfers;
    private final ComputationGraph pipeline;
    private final INDArray parameters;
    private final List<List<DeviceStage>> stages;
    private final PipelineMemory.Threads threads;
    private final List<StageUpdater> updaters = new ArrayList<>();

    /** The stages with constraints. */
    private final BitSet constrained = new BitSet();

    /** Held while parameters and updater state are changed. */
    private final ReentrantLock updating = new ReentrantLock();

    private boolean hostAhead = true;
    private boolean devicesAhead;
    private boolean gradientsAhead;
    private boolean closed;

    /**
     * @param pipeline has the arrays of the host, and the updater whose state is the host's
     */
    DeviceParameters(
            DeviceRuntime runtime,
            Transfers transfers,
            ComputationGraph pipeline,
            List<List<DeviceStage>> stages,
            PipelineMemory.Threads threads) {
        this.runtime = runtime;
        this.transfers = transfers;
        this.pipeline = pipeline;
        INDArray flat = pipeline.params();
        this.parameters = flat.reshape(flat.length());
        this.stages = stages;
        this.threads = threads;
        for (int stage = 0; stage < stages.size(); stage++) {
            constrained.set(stage, stages.get(stage).get(0).mayHaveConstraints());
        }
    }

    @Override
    public synchronized void hostChanged() {
        hostAhead = true;
    }

    @Override
    public void beginStep() {
        transfers.beginStep();
        load();
    }

    /** Copies parameters and updater state to the devices, if the host's may have been written. */
    private synchronized void load() {
        if (!hostAhead) {
            return;
        }
        devicesAhead = false;
        ComputationGraphUpdater current = pipeline.getUpdater(true);
        if (updaters.size() < stages.size() || !updaters.get(0).isOf(current)) {
            updaters.forEach(StageUpdater::close);
            updaters.clear();
            for (List<DeviceStage> replicas : stages) {
                DeviceStage first = replicas.get(0);
                updaters.add(runtime.on(first.device(), () -> new StageUpdater(current, first)));
            }
        }
        for (List<DeviceStage> replicas : stages) {
            for (DeviceStage replica : replicas) {
                for (ParameterLayout.Run run : replica.layout().runs()) {
                    copy("parameters", run.inWhole(parameters), HOST, run.inOwn(replica.parameters()), id(replica));
                }
            }
        }
        eachPiece((piece, device) -> copy("updater state", piece.inWhole(), HOST, piece.inOwn(), device));
        hostAhead = false;
    }

    @Override
    public synchronized void gather() {
        if (!devicesAhead || closed) {
            return;
        }
        gather(parameters, "parameters", DeviceStage::parameters);
        eachPiece((piece, device) -> copy("updater state", piece.inOwn(), device, piece.inWhole(), HOST));
        devicesAhead = false;
    }

    @Override
    public synchronized void gatherGradients() {
        if (gradientsAhead && !closed) {
            gather(pipeline.getFlattenedGradients(), "gradients", DeviceStage::sums);
            gradientsAhead = false;
        }
    }

    @Override
    public INDArray gradientOnHost(int position, INDArray gradient) {
        DeviceStage stage = stages.stream()
                .map(replicas -> replicas.get(0))
                .filter(first -> first.layout().positions().contains(position))
                .findFirst()
                .orElseThrow();
        long from = stage.layout().wholeIndex(gradient.offset() - stage.sums().offset());
        INDArray flat = pipeline.getFlattenedGradients();
        return flat.reshape(flat.length())
                .get(NDArrayIndex.interval(from, from + gradient.length()))
                .reshape(gradient.ordering(), gradient.shape());
    }

    private void gather(INDArray host, String what, Function<DeviceStage, INDArray> array) {
        INDArray flat = host.reshape(host.length());
        for (List<DeviceStage> replicas : stages) {
            DeviceStage first = replicas.get(0);
            for (ParameterLayout.Run run : first.layout().runs()) {
                copy(what, run.inOwn(array.apply(first)), id(first), run.inWhole(flat), HOST);
            }
        }
    }

    private void eachPiece(BiConsumer<StageUpdater.Piece, String> work) {
        for (int stage = 0; stage < updaters.size(); stage++) {
            String device = id(stages.get(stage).get(0));
            updaters.get(stage).pieces().forEach(piece -> work.accept(piece, device));
        }
    }

    private void copy(String what, INDArray from, String fromId, INDArray to, String toId) {
        copy(Transfers.Kind.GATHER, what, from, fromId, to, toId);
    }

    private void copy(Transfers.Kind kind, String what, INDArray from, String fromId, INDArray to, String toId) {
        transfers.timed(kind, what, fromId, toId, Transfers.bytes(from), () -> {
            runtime.copy(from, to);
            return to;
        });
    }

    private static String id(DeviceStage stage) {
        return stage.device().id();
    }

    @Override
    public double regularization() {
        double[] terms = new double[stages.size()];
        threads.inEachStage(stage -> terms[stage] = stages.get(stage).get(0).regularization());
        double sum = 0;
        for (double term : terms) {
            sum += term;
        }
        return sum;
    }

    /** Adds up what the first {@code active} replicas of each stage have summed, on the first. */
    @Override
    public void sumReplicas(IntUnaryOperator active) {
        threads.inEachStage(stage -> {
            List<DeviceStage> replicas = stages.get(stage).subList(0, active.applyAsInt(stage));
            DeviceStage first = replicas.get(0);
            List<StageGradients> others = new ArrayList<>();
            for (DeviceStage other : replicas.subList(1, replicas.size())) {
                add(other, first);
                others.add(other.gradients());
            }
            first.gradients().writeStatistics(others);
            runtime.synchronize();
        });
        ahead(false);
    }

    /** Adds the gradient sums of one replica to those of the first, on which this thread is, piece by piece. */
    private void add(DeviceStage other, DeviceStage first) {
        long length = first.layout().length();
        for (long from = 0; from < length; from += MOST_ADDED) {
            INDArrayIndex piece = NDArrayIndex.interval(from, Math.min(length, from + MOST_ADDED));
            INDArray theirs = other.sums().get(piece);
            INDArray copy = transfers.timed(
                    Transfers.Kind.REPLICA,
                    "gradients",
                    id(other),
                    id(first),
                    Transfers.bytes(theirs),
                    () -> runtime.copyHere(theirs));
            first.sums().get(piece).addi(copy);
            copy.close();
        }
    }

    /**
     * Runs the updater on every device. Parameters change when all stages have their updates: the step is committed.
     *
     * @throws PipelineException if the updater of a stage fails; parameters and updater state are as they were
     * @throws IllegalStateException if the pipeline has been closed; the same holds
     */
    @Override
    public void update(LayerWorkspaceMgr workspaces) {
        int iteration = pipeline.getIterationCount();
        int epoch = pipeline.getEpochCount();
        int examples = pipeline.batchSize();
        updating.lock();
        try {
            if (!isOpen()) {
                throw new IllegalStateException(
                        "The pipeline was closed during a training step; the step has no effect");
            }
            load(); // a listener may have set parameters
            boolean miniBatch = pipeline.conf().isMiniBatch();
            try {
                threads.inEachStage(stage -> updaters.get(stage).prepare(iteration, epoch, examples, miniBatch));
            } catch (Throwable failure) {
                for (int stage = 0; stage < stages.size(); stage++) {
                    here(stage, StageUpdater::takeBack);
                }
                throw failure;
            }
            commit();
        } finally {
            updating.unlock();
        }
    }

    /** Commits in all stages, also in those whose workers have just been ended. */
    private void commit() {
        AtomicIntegerArray progress = new AtomicIntegerArray(stages.size());
        try {
            threads.inEachStage(stage -> {
                progress.set(stage, BEGUN);
                changeFirst(stage, () -> updaters.get(stage).commit());
                progress.set(stage, DONE);
            });
        } catch (RuntimeException failure) {
            boolean failed = false;
            for (int stage = 0; stage < stages.size(); stage++) {
                failed |= progress.get(stage) == BEGUN;
                if (progress.get(stage) < BEGUN) {
                    here(stage, StageUpdater::commit);
                }
            }
            if (failed) {
                throw failure;
            }
        } finally {
            ahead(true);
        }
    }

    /** Does something on the device of a stage, in the calling thread. */
    private void here(int stage, Consumer<StageUpdater> work) {
        runtime.on(stages.get(stage).get(0).device(), () -> {
            work.accept(updaters.get(stage));
            return stage;
        });
    }

    private synchronized void ahead(boolean ofParameters) {
        gradientsAhead = true;
        devicesAhead |= ofParameters;
    }

    /** In the stages that have any, on their devices. After {@link #close} the host's parameters are all there is. */
    @Override
    public void applyConstraints(int iteration, int epoch, Runnable onHost) {
        if (!isOpen()) {
            onHost.run();
        } else if (!constrained.isEmpty()) {
            load(); // a listener may have set parameters
            threads.inEachStage(stage -> {
                if (constrained.get(stage)) {
                    changeFirst(stage, () -> stages.get(stage).get(0).applyConstraints(iteration, epoch));
                }
            });
            ahead(true);
        }
    }

    /** Changes the parameters of the first replica of a stage; the others then get them. */
    private void changeFirst(int stage, Runnable change) {
        change.run();
        List<DeviceStage> replicas = stages.get(stage);
        DeviceStage first = replicas.get(0);
        for (DeviceStage other : replicas.subList(1, replicas.size())) {
            copy(Transfers.Kind.REPLICA, "parameters", first.parameters(), id(first), other.parameters(), id(other));
        }
        runtime.synchronize();
    }

    @Override
    public Transfers transfers() {
        return transfers;
    }

    private synchronized boolean isOpen() {
        return !closed;
    }

    /** Gathers for the last time, after an update that is running, and frees the updater state. */
    @Override
    public void close() {
        updating.lock();
        try {
            gatherAndFree();
        } finally {
            updating.unlock();
        }
    }

    private synchronized void gatherAndFree() {
        try {
            gather();
            gatherGradients();
        } finally {
            closed = true;
            updaters.forEach(StageUpdater::close);
        }
    }
}
