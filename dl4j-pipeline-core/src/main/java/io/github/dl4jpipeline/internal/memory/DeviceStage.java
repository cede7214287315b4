package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a replica of a stage has on its device.
 *
 * @param layout of the two arrays
 * @param parameters of its vertices, {@code [layout.length()]}
 * @param sums their gradients, summed over the replica's micro-batches
 * @param copies of the graph, one for each micro-batch in flight
 */
record DeviceStage(
        Device device,
        List<Integer> positions,
        ParameterLayout layout,
        INDArray parameters,
        INDArray sums,
        StageGradients gradients,
        List<GraphCopy> copies) {

    /** Any copy of the graph: all have the same parameters. */
    GraphCopy graph() {
        return copies.get(0);
    }

    private Stream<Layer> layers() {
        return positions.stream().map(graph()::layer).filter(Objects::nonNull);
    }

    /** The regularization terms of the parameters. */
    double regularization() {
        return layers().mapToDouble(layer -> layer.calcRegularizationScore(true))
                .sum();
    }

    /** Whether a layer may have constraints. Those that wrap others do not say what these have. */
    boolean mayHaveConstraints() {
        return layers().anyMatch(layer -> layer instanceof AbstractLayer
                ? hasConstraints(layer)
                : !(layer instanceof FrozenLayer || layer instanceof FrozenLayerWithBackprop));
    }

    private static boolean hasConstraints(Layer layer) {
        List<LayerConstraint> constraints = layer.conf().getLayer().getConstraints();
        return constraints != null && !constraints.isEmpty();
    }

    /** Applies the constraints of layers to the parameters. */
    void applyConstraints(int iteration, int epoch) {
        layers().forEach(layer -> layer.applyConstraints(iteration, epoch));
    }

    long bytes() {
        return 2 * parameters.length() * parameters.dataType().width();
    }

    /** Frees the arrays. The current thread must be on the device. */
    void close() {
        gradients.close();
        parameters.close();
        sums.close();
    }
}
