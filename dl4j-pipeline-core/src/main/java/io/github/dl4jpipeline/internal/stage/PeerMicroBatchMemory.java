package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntBinaryOperator;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The memory of one micro-batch in one stage whose neighbours are in other processes. Activations are sent when the forward task
 * has computed them, errors at the end of the backward task. A task waits for what it needs of others.
 */
public final class PeerMicroBatchMemory extends DeviceMicroBatchMemory {
    private final int ofGroups;
    private final Peers peers;
    private final IntBinaryOperator workers;
    private final Reorders reorders = new Reorders();
    private int microBatch;

    /**
     * As for {@link DeviceMicroBatchMemory}.
     *
     * @param ofGroups the number of those vertices that this stage runs for groups of micro-batches
     * @param workers gives the worker of a stage for a micro-batch
     */
    public PeerMicroBatchMemory(
            ComputationGraph original,
            int[] stageOf,
            int ofGroups,
            String name,
            Place here,
            Peers peers,
            IntBinaryOperator workers) {
        super(original, stageOf, name, here);
        this.ofGroups = ofGroups;
        this.peers = peers;
        this.workers = workers;
    }

    @Override
    public void exchangeWith(int next, IntFunction<DeviceMicroBatchMemory> stages) {
        microBatch = next;
    }

    @Override
    boolean isHere(int position) {
        return isOwn(position) || stageOf(position) == ofGroups;
    }

    /** A group runs backward before its micro-batches, and leaves them errors. Those of this stage are sent when its task ends. */
    @Override
    Value errorForOther(int position, Value error, int fromStage) {
        return fromStage == here().stage() ? error : error.copy(input()::copyOf);
    }

    private int workerOf(int stage) {
        return workers.applyAsInt(stage, microBatch);
    }

    private Peers.Name name(Peers.Kind kind, int position) {
        return new Peers.Name(kind, position, microBatch);
    }

    @Override
    @Nullable Value fromOther(Vertex vertex) {
        int worker = workerOf(stageOf(vertex.position()));
        return receive(worker, name(Peers.Kind.ACTIVATION, vertex.position()));
    }

    private @Nullable Value receive(int worker, Peers.Name name) {
        @Nullable INDArray received = input().inside(() -> peers.receive(worker, name));
        return received == null ? null : Value.of(received);
    }

    @Override
    void sendActivations() {
        for (Vertex vertex : vertices().vertices()) {
            if (isOwn(vertex.position()) && vertex.role() != Vertex.Role.INPUT) {
                Value activation = activation(vertex.position());
                for (int stage : readers(vertex.position())) {
                    send(stage, name(Peers.Kind.ACTIVATION, vertex.position()), activation);
                }
            }
        }
    }

    /** Each vertex of another stage that this one reads gets one message, with an error or without. */
    @Override
    void sendErrors() {
        for (Vertex vertex : vertices().vertices()) {
            int position = vertex.position();
            boolean isRead = vertices().consumers(position).stream().anyMatch(this::isHere);
            if (!isHere(position) && isRead && vertex.runsBackward()) {
                send(stageOf(position), name(Peers.Kind.ERROR, position), takeError(position));
            }
        }
    }

    /** Adds them from the last stage to the first, as they come where all stages are in one process. */
    @Override
    void receiveErrors() {
        for (Vertex vertex : vertices().vertices()) {
            if (isOwn(vertex.position()) && vertex.runsBackward()) {
                for (int stage : readers(vertex.position())) {
                    Value error = receive(workerOf(stage), name(Peers.Kind.ERROR, vertex.position()));
                    if (error != null) {
                        addErrorOfOther(vertex.position(), error);
                    }
                }
            }
        }
    }

    private void send(int stage, Peers.Name name, @Nullable Value value) {
        peers.send(workerOf(stage), name, value == null ? null : array(value));
    }

    /** As others read it: the engine's layouts stay within a process. */
    private INDArray array(Value value) {
        return reorders.array(value, new Space(TaskWorkspaces.none()), floats -> input().inside(
                        () -> Nd4j.createUninitialized(DataType.FLOAT, new long[] {floats}, 'c')));
    }

    @Override
    void reset() {
        super.reset();
        reorders.close();
    }

    /** Other stages that read a vertex, the last one first. */
    private List<Integer> readers(int position) {
        return vertices().consumers(position).stream()
                .map(this::stageOf)
                .filter(stage -> stage != stageOf(position) && stage != ofGroups)
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
    }
}
