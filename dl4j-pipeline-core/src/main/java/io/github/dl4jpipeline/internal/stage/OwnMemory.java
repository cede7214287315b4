package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The device of a stage, where it has memory of its own.
 *
 * @param stage the stage
 * @param parameters by position, those of the stage's vertices, on the device; null for other vertices
 * @param transfers what is copied to the device
 */
public record OwnMemory(
        int stage, Device device, DeviceRuntime runtime, List<@Nullable INDArray> parameters, Transfers transfers) {

    /** Makes copies on the device, of arrays that are elsewhere. The current thread must be bound to it. */
    UnaryOperator<INDArray> copier(Transfers.Kind kind, String what, String from) {
        return array ->
                transfers.timed(kind, what, from, device.id(), Transfers.bytes(array), () -> runtime.copyHere(array));
    }
}
