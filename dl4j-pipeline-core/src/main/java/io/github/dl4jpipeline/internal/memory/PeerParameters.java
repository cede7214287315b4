package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.internal.stage.Peers;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntUnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters, gradients and updater state of the one stage that is in this process. The model's arrays are on the host, which is
 * another process.
 *
 * <p>The updater runs on the first replica. The others get the parameters after {@link #applyConstraints}, which ends every step.
 * A step that fails in one process is undone by nobody: training goes on from what the host has.
 */
final class PeerParameters implements SeparateParameters {
    /** Elements that are sent in one message. */
    private static final long MOST_SENT = 1 << 22;

    private final DeviceRuntime runtime;
    private final ComputationGraph pipeline;
    private final DeviceStage own;
    private final List<Integer> replicas;
    private final Peers peers;
    private final @Nullable StageUpdater updater;
    private boolean hostAhead = true;

    /**
     * @param pipeline has the updater; its arrays are not used
     * @param replicas the workers of the stage's replicas
     */
    PeerParameters(
            DeviceRuntime runtime, ComputationGraph pipeline, DeviceStage own, List<Integer> replicas, Peers peers) {
        this.runtime = runtime;
        this.pipeline = pipeline;
        this.own = own;
        this.replicas = replicas;
        this.peers = peers;
        this.updater =
                isFirst() ? runtime.on(own.device(), () -> new StageUpdater(pipeline.getUpdater(true), own)) : null;
    }

    private boolean isFirst() {
        return replicas.get(0) == peers.worker();
    }

    @Override
    public void beginStep() {
        if (hostAhead) {
            eachParameter(peers::load);
            eachState(peers::load);
            hostAhead = false;
        }
    }

    @Override
    public void hostChanged() {
        hostAhead = true;
    }

    /** Only the first replica does anything. */
    @Override
    public void gather() {
        if (isFirst() && !hostAhead) {
            eachParameter(peers::store);
            eachState(peers::store);
        }
    }

    private void eachParameter(BiConsumer<Peers.Name, INDArray> work) {
        own.layout()
                .runs()
                .forEach(run -> pieces(Peers.Kind.PARAMETERS, run.from(), run.inOwn(own.parameters()), work));
    }

    private void eachState(BiConsumer<Peers.Name, INDArray> work) {
        if (updater != null) {
            updater.pieces()
                    .forEach(piece -> pieces(Peers.Kind.STATE, piece.inWhole().offset(), piece.inOwn(), work));
        }
    }

    private static void pieces(Peers.Kind kind, long from, INDArray own, BiConsumer<Peers.Name, INDArray> work) {
        for (long at = 0; at < own.length(); at += MOST_SENT) {
            long to = Math.min(own.length(), at + MOST_SENT);
            work.accept(Peers.Name.of(kind, from + at), own.get(NDArrayIndex.interval(at, to)));
        }
    }

    /** The term of this stage; 0 but for the first replica. */
    @Override
    public double regularization() {
        return isFirst() ? own.regularization() : 0;
    }

    @Override
    public void sumReplicas(IntUnaryOperator active) {
        int stage = replicas.indexOf(peers.worker());
        int summing = active.applyAsInt(0);
        if (isFirst()) {
            for (int worker : replicas.subList(1, summing)) {
                pieces(Peers.Kind.GRADIENTS, 0, own.sums(), (name, sum) -> sum.addi(received(worker, name)));
            }
            own.gradients().writeStatistics(List.of());
        } else if (stage < summing) {
            pieces(Peers.Kind.GRADIENTS, 0, own.sums(), (name, sum) -> peers.send(replicas.get(0), name, sum));
        }
        runtime.synchronize();
    }

    private INDArray received(int worker, Peers.Name name) {
        INDArray array = peers.receive(worker, name);
        if (array == null) {
            throw new IllegalStateException("Worker " + worker + " has sent nothing as " + name);
        }
        return array;
    }

    @Override
    public void update(LayerWorkspaceMgr workspaces) {
        if (updater != null) {
            int iteration = pipeline.getIterationCount();
            int epoch = pipeline.getEpochCount();
            updater.prepare(
                    iteration, epoch, pipeline.batchSize(), pipeline.conf().isMiniBatch());
            updater.commit(iteration, epoch);
        }
    }

    /** Also gives the other replicas the parameters. */
    @Override
    public void applyConstraints(int iteration, int epoch, Runnable onHost) {
        if (isFirst()) {
            own.applyConstraints(iteration, epoch);
            for (int worker : replicas.subList(1, replicas.size())) {
                pieces(Peers.Kind.PARAMETERS, 0, own.parameters(), (name, part) -> peers.send(worker, name, part));
            }
        } else {
            pieces(
                    Peers.Kind.PARAMETERS,
                    0,
                    own.parameters(),
                    (name, part) -> runtime.copy(received(replicas.get(0), name), part));
        }
    }

    @Override
    public void close() {
        if (updater != null) {
            updater.close();
        }
    }
}
