package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of one micro-batch in one stage, on a device with memory of its own. What the stage reads is copied there: its
 * part of the batch, and activations of other stages, before its forward task. Errors for other stages are copied to their
 * devices at the end of its backward task.
 */
public class DeviceMicroBatchMemory extends MicroBatchMemory {
    /**
     * Where the stage is.
     *
     * @param parameters by position, those of the stage's vertices, on the device; null for other vertices
     * @param transfers what is copied to the device
     */
    public record Place(
            int stage, Device device, DeviceRuntime runtime, List<@Nullable INDArray> parameters, Transfers transfers) {

        /** A copy of a graph whose parameters are those here. */
        ComputationGraph copyOf(ComputationGraph original) {
            return GraphCopier.withParameters(original, parameters, device, runtime);
        }

        /** Makes copies on the device, of arrays that are elsewhere. The current thread must be bound to it. */
        private UnaryOperator<INDArray> copier(Transfers.Kind kind, String what, String from) {
            return array -> transfers.timed(
                    kind, what, from, device.id(), Transfers.bytes(array), () -> runtime.copyHere(array));
        }
    }

    private final Place here;
    private final List<String> networkInputs;
    private final List<String> networkOutputs;
    private IntFunction<DeviceMicroBatchMemory> others = stage -> this;

    /** The engine does not run here, so values are arrays. */
    private final Reorders arrays = new Reorders();

    /** As for {@link MicroBatchMemory}, with the place of the only stage that runs in it. */
    public DeviceMicroBatchMemory(ComputationGraph original, int[] stageOf, String name, Place here) {
        super(original, stageOf, name);
        this.here = here;
        ComputationGraphConfiguration configuration = original.getConfiguration();
        this.networkInputs = configuration.getNetworkInputs();
        this.networkOutputs = configuration.getNetworkOutputs();
    }

    /** Sets where the next micro-batch is in other stages, by stage. */
    public void exchangeWith(int microBatch, IntFunction<DeviceMicroBatchMemory> stages) {
        others = stages;
    }

    final boolean isOwn(int position) {
        return stageOf(position) == here.stage();
    }

    /** Whether the stage runs a vertex: for each micro-batch, or for groups of them. */
    boolean isHere(int position) {
        return isOwn(position);
    }

    final Place here() {
        return here;
    }

    @Override
    ComputationGraph copyOf(ComputationGraph original) {
        return here.copyOf(original);
    }

    /** The micro-batch with all that the stage reads on its device; the rest only tells shapes. */
    @Override
    MicroBatch receive(MicroBatch next, boolean partOfBatch) {
        Set<Integer> inputs = new HashSet<>();
        Set<Integer> outputs = new HashSet<>();
        for (Vertex vertex : vertices().vertices()) {
            if (vertex.role() == Vertex.Role.INPUT && isRead(vertex.position())) {
                inputs.add(networkInputs.indexOf(vertex.name()));
            } else if (vertex.role() == Vertex.Role.OUTPUT && isOwn(vertex.position())) {
                outputs.add(networkOutputs.indexOf(vertex.name()));
            }
        }
        return next.copy(inputs::contains, outputs::contains, here.copier(Transfers.Kind.INPUT, "batch", "host"));
    }

    private boolean isRead(int position) {
        return isHere(position) || vertices().consumers(position).stream().anyMatch(this::isHere);
    }

    @Override
    void receiveActivations(MicroBatch microBatch) {
        for (Vertex vertex : vertices().vertices()) {
            if (isHere(vertex.position())) {
                for (int read : vertex.inputs()) {
                    if (!isHere(read) && activation(read) == null) {
                        setActivation(read, receive(vertices().get(read), microBatch));
                    }
                }
            }
        }
    }

    private @Nullable Value receive(Vertex vertex, MicroBatch microBatch) {
        if (vertex.role() == Vertex.Role.INPUT) {
            INDArray feature = microBatch.features()[networkInputs.indexOf(vertex.name())];
            return feature == null ? null : Value.of(feature);
        }
        return fromOther(vertex);
    }

    /** What a vertex of another stage has put out, on this device. */
    @Nullable Value fromOther(Vertex vertex) {
        DeviceMicroBatchMemory source = others.apply(stageOf(vertex.position()));
        Value activation = source.activation(vertex.position());
        String from = source.here.device().id();
        return activation == null
                ? null
                : activation.copy(
                        array -> input().copyOf(array, here.copier(Transfers.Kind.ACTIVATION, vertex.name(), from)));
    }

    /** It is copied when the task ends. */
    @Override
    Value errorForOther(int position, Value error, int fromStage) {
        return error;
    }

    @Override
    void sendErrors() {
        for (int position = 0; position < vertices().size(); position++) {
            Value error = isOwn(position) ? null : takeError(position);
            if (error != null) {
                others.apply(stageOf(position))
                        .receiveError(position, error, here.device().id());
            }
        }
    }

    /** Takes an error in the thread of the stage that has computed it, while this stage does nothing. */
    private void receiveError(int position, Value error, String from) {
        here.runtime().on(here.device(), () -> {
            String vertex = vertices().get(position).name();
            Value received =
                    error.copy(array -> input().copyOf(array, here.copier(Transfers.Kind.ERROR, vertex, from)));
            addErrorOfOther(position, received);
            return received;
        });
    }

    /** Adds an error that another stage has computed, and that is on this device. */
    final void addErrorOfOther(int position, Value error) {
        addError(position, error, here.stage(), arrays, new Space(TaskWorkspaces.none()));
    }

    @Override
    long bytes(int stage) {
        return super.bytes(stage) + input().bytes();
    }
}
