package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.internal.graph.Vertex;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a stage on a device with its own memory gets from elsewhere and hands on, for the micro-batch of one copy of the graph:
 * its part of the batch, activations of other stages, errors. Everything is copied to where it is read.
 */
public final class StageExchange {
    private final GraphCopy copy;
    private final OwnMemory here;
    private ErrorReceiver errorReceiver = (position, error) -> {};

    /** Takes errors for vertices of other stages, on devices with other memory. */
    @FunctionalInterface
    public interface ErrorReceiver {
        /**
         * Takes one error.
         *
         * @param error valid until the call returns
         */
        void receive(int position, INDArray error);
    }

    /** @param copy runs only the stage of {@code here} */
    StageExchange(GraphCopy copy, OwnMemory here) {
        this.copy = copy;
        this.here = here;
    }

    private boolean isOwn(int position) {
        return copy.stageOf(position) == here.stage();
    }

    /** The micro-batch with all that the stage reads on its device; the rest only tells shapes. */
    MicroBatch receiveBatch(MicroBatch next) {
        Set<Integer> inputs = new HashSet<>();
        Set<Integer> outputs = new HashSet<>();
        for (Vertex vertex : copy.vertices().vertices()) {
            int position = vertex.position();
            if (vertex.role() == Vertex.Role.INPUT
                    && (isOwn(position)
                            || copy.vertices().consumers(position).stream().anyMatch(this::isOwn))) {
                inputs.add(copy.inputIndex(position));
            } else if (vertex.role() == Vertex.Role.OUTPUT && isOwn(position)) {
                outputs.add(copy.outputIndex(position));
            }
        }
        return next.copy(inputs::contains, outputs::contains, here.copier(Transfers.Kind.INPUT, "batch", "host"));
    }

    /**
     * Copies what the stage reads from other stages, after {@link GraphCopy#begin}.
     *
     * @param sources by position, the copy of the graph that holds a vertex's output for the same micro-batch
     */
    public void receiveActivations(IntFunction<GraphCopy> sources) {
        for (Vertex vertex : copy.vertices().vertices()) {
            if (isOwn(vertex.position())) {
                for (int input : vertex.inputs()) {
                    if (!isOwn(input) && copy.activation(input) == null) {
                        copy.setActivation(input, receive(input, sources));
                    }
                }
            }
        }
    }

    private @Nullable INDArray receive(int input, IntFunction<GraphCopy> sources) {
        Vertex vertex = copy.vertex(input);
        if (vertex.role() == Vertex.Role.INPUT) {
            return copy.feature(input);
        }
        GraphCopy source = sources.apply(input);
        INDArray activation = source.activation(input);
        String from = source.exchange().here.device().id();
        return activation == null
                ? null
                : copy.inputMemory().copyOf(activation, here.copier(Transfers.Kind.ACTIVATION, vertex.name(), from));
    }

    /** Sets where errors for other stages go when a backward task ends. */
    public void sendErrorsTo(ErrorReceiver receiver) {
        errorReceiver = receiver;
    }

    /** Hands on errors for other stages. */
    void sendErrors() {
        for (int position = 0; position < copy.size(); position++) {
            INDArray error = isOwn(position) ? null : copy.takeError(position);
            if (error != null) {
                errorReceiver.receive(position, error);
            }
        }
    }

    /**
     * Takes an error from a stage on another device, in the thread of that stage, which does nothing else meanwhile.
     *
     * @param from the other device
     */
    public void receiveError(int position, INDArray error, Device from) {
        here.runtime().on(here.device(), () -> {
            INDArray received = copy.inputMemory()
                    .copyOf(
                            error,
                            here.copier(
                                    Transfers.Kind.ERROR, copy.vertex(position).name(), from.id()));
            copy.addError(position, received, here.stage());
            return received;
        });
    }
}
