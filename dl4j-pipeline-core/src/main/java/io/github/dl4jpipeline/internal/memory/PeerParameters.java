package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.internal.stage.Peers;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters, gradients and updater state of the one stage that is in this process. The model's arrays are on the host, which is
 * another process.
 *
 * <p>Each replica of the stage adds up a part of the gradients, in the order of the replicas. It updates these parameters, and
 * sends them to the others. That is a reduce-scatter, and an all-gather of parameters [from Rajbhandari et al., ZeRO, SC 2020]. So a replica sends
 * and receives about twice its gradients, however many replicas there are, and all have the same parameters to the bit.
 *
 * <p>Where replicas are on one machine, gradients and parameters are lent. Each replica's gradients stay as they are until it has
 * the others' parameters, and its parameters until it has heard of all others in the next step.
 *
 * <p>A step that fails in one process is undone by nobody: training goes on from what the host has.
 */
final class PeerParameters implements SeparateParameters {
    /** Elements in a message of the host. */
    private static final long MOST_FOR_HOST = 1 << 22;

    /** Elements in a message of a replica: few, so that they stay in a cache, and one is added while the next is on its way. */
    private static final long MOST_FOR_REPLICAS = 1 << 18;

    private final DeviceRuntime runtime;
    private final ComputationGraph pipeline;
    private final DeviceStage own;
    private final int stage;
    private final List<Integer> replicas;
    private final Peers peers;

    /** What each replica updates. */
    private final List<OwnPart> parts;

    private final StageUpdater updater;
    private boolean hostAhead = true;

    /**
     * @param pipeline has the updater; its arrays are not used
     * @param stage its number
     * @param replicas the workers of the stage's replicas
     */
    PeerParameters(
            DeviceRuntime runtime,
            ComputationGraph pipeline,
            DeviceStage own,
            int stage,
            List<Integer> replicas,
            Peers peers) {
        this.runtime = runtime;
        this.pipeline = pipeline;
        this.own = own;
        this.stage = stage;
        this.replicas = replicas;
        this.peers = peers;
        ComputationGraphUpdater whole = pipeline.getUpdater(true);
        this.parts = OwnPart.of(own, whole, replicas.size());
        this.updater = runtime.on(own.device(), () -> new StageUpdater(whole, own, parts.get(replica())));
    }

    private int replica() {
        return replicas.indexOf(peers.worker());
    }

    private boolean isFirst() {
        return replica() == 0;
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

    /** The first replica has all parameters; each has the updater state of its part. */
    @Override
    public void gather() {
        if (!hostAhead) {
            if (isFirst()) {
                eachParameter(peers::store);
            }
            eachState(peers::store);
        }
    }

    private void eachParameter(BiConsumer<Peers.Name, INDArray> work) {
        own.layout()
                .runs()
                .forEach(run ->
                        pieces(Peers.Kind.PARAMETERS, run.from(), run.inOwn(own.parameters()), MOST_FOR_HOST, work));
    }

    private void eachState(BiConsumer<Peers.Name, INDArray> work) {
        updater.pieces()
                .forEach(piece ->
                        pieces(Peers.Kind.STATE, piece.inWhole().offset(), piece.inOwn(), MOST_FOR_HOST, work));
    }

    private static void pieces(
            Peers.Kind kind, long from, INDArray vector, long most, BiConsumer<Peers.Name, INDArray> work) {
        for (long at = 0; at < vector.length(); at += most) {
            long to = Math.min(vector.length(), at + most);
            work.accept(Peers.Name.of(kind, from + at), vector.get(NDArrayIndex.interval(at, to)));
        }
    }

    /** The pieces of what a replica updates. */
    private void piecesOf(int replica, Peers.Kind kind, INDArray vector, BiConsumer<Peers.Name, INDArray> work) {
        OwnPart part = parts.get(replica);
        if (part.length() > 0) {
            pieces(kind, part.from(), part.of(vector), MOST_FOR_REPLICAS, work);
        }
    }

    /** The term of this stage; 0 but for the first replica. */
    @Override
    public double regularization() {
        return isFirst() ? own.regularization() : 0;
    }

    /** Each replica adds up its part of what the first {@code active} ones have summed. */
    @Override
    public void sumReplicas(IntUnaryOperator active) {
        int summing = active.applyAsInt(stage);
        if (isFirst()) {
            own.gradients().writeStatistics(List.of());
        } else {
            own.gradients().clearStatistics();
        }
        if (replica() < summing) {
            eachOther(other -> piecesOf(
                    other,
                    Peers.Kind.GRADIENTS,
                    own.sums(),
                    (name, piece) -> peers.lend(replicas.get(other), name, piece)));
        }
        awaitIdle(summing);
        if (replicas.size() > 1) {
            piecesOf(replica(), Peers.Kind.GRADIENTS, own.sums(), (name, piece) -> add(summing, name, piece));
        }
        runtime.synchronize();
    }

    /** Replicas that had nothing to do say so. Then all have read the parameters of this one, which may change. */
    private void awaitIdle(int summing) {
        Peers.Name nothing = Peers.Name.of(Peers.Kind.GRADIENTS, -1);
        eachOther(other -> {
            if (replica() >= summing) {
                peers.send(replicas.get(other), nothing, null);
            }
        });
        eachOther(other -> {
            if (other >= summing) {
                peers.receive(replicas.get(other), nothing);
            }
        });
    }

    /** The next replica first, so that not all send to the same. */
    private void eachOther(IntConsumer work) {
        for (int i = 1; i < replicas.size(); i++) {
            work.accept((replica() + i) % replicas.size());
        }
    }

    /** Adds a piece of the gradients of all replicas to this one's, in the order of the replicas. */
    private void add(int summing, Peers.Name name, INDArray piece) {
        boolean takesPart = replica() < summing;
        INDArray own =
                takesPart && replica() > 1 ? piece.dup() : null; // the order of the first two makes no difference
        boolean begun = takesPart && own == null;
        for (int replica = 0; replica < summing; replica++) {
            if (replica != replica()) {
                peers.receive(replicas.get(replica), name, begun ? piece::addi : piece::assign);
                begun = true;
            } else if (own != null) {
                piece.addi(own);
                own.close();
            }
        }
    }

    @Override
    public void update(LayerWorkspaceMgr workspaces) {
        if (parts.get(replica()).length() == 0) {
            return; // the gradients here are lent to others
        }
        int iteration = pipeline.getIterationCount();
        int epoch = pipeline.getEpochCount();
        updater.prepare(iteration, epoch, pipeline.batchSize(), pipeline.conf().isMiniBatch());
        updater.commit();
    }

    /** Also exchanges the parameters with the other replicas. Where there are constraints, the first has updated all. */
    @Override
    public void applyConstraints(int iteration, int epoch, Runnable onHost) {
        if (isFirst()) {
            own.applyConstraints(iteration, epoch);
        }
        eachOther(other -> piecesOf(
                replica(),
                Peers.Kind.PARAMETERS,
                own.parameters(),
                (name, piece) -> peers.lend(replicas.get(other), name, piece)));
        eachOther(other -> piecesOf(
                other,
                Peers.Kind.PARAMETERS,
                own.parameters(),
                (name, piece) -> peers.receive(replicas.get(other), name, received -> runtime.copy(received, piece))));
    }

    @Override
    public void close() {
        updater.close();
    }
}
