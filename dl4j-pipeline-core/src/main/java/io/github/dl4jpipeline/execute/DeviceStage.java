package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.kernel.GraphReplica;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a replica of a stage has on its device.
 *
 * @param layout of the two arrays
 * @param parameters of its vertices, {@code [layout.length()]}
 * @param sums their gradients, summed over the replica's micro-batches
 * @param slots copies of the graph, one for each micro-batch in flight
 */
record DeviceStage(
        Device device,
        List<Integer> positions,
        StageLayout layout,
        INDArray parameters,
        INDArray sums,
        StageGradients gradients,
        List<GraphReplica> slots) {

    /** Any copy of the graph: all have the same parameters. */
    GraphReplica graph() {
        return slots.get(0);
    }

    long bytes() {
        return 2 * parameters.length() * parameters.dataType().width();
    }
}
