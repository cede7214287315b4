package io.github.dl4jpipeline;

import java.util.List;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Says by name which arrays a batch lacks. Shapes are checked by the layers, before anything is changed. */
final class BatchCheck {
    private BatchCheck() {}

    /** @throws IllegalArgumentException if a network input has no features, or an output that needs labels has none */
    static void require(
            ComputationGraph graph, @Nullable INDArray @Nullable [] features, @Nullable INDArray @Nullable [] labels) {
        List<String> inputs = graph.getConfiguration().getNetworkInputs();
        requireCount("features", "inputs", inputs, features);
        for (int i = 0; i < inputs.size(); i++) {
            if (features[i] == null || features[i].isEmpty()) {
                throw new IllegalArgumentException(
                        "The batch has no features for network input '" + inputs.get(i) + "'");
            }
        }
        List<String> outputs = graph.getConfiguration().getNetworkOutputs();
        requireCount("labels", "outputs", outputs, labels);
        for (int i = 0; i < outputs.size(); i++) {
            if (labels[i] == null && needsLabels(graph, outputs.get(i))) {
                throw new IllegalArgumentException(
                        "The batch has no labels for network output '" + outputs.get(i) + "'");
            }
        }
    }

    private static void requireCount(
            String arrays, String what, List<String> names, @Nullable INDArray @Nullable [] given) {
        int count = given == null ? 0 : given.length;
        if (count != names.size()) {
            throw new IllegalArgumentException("The batch has " + (count == 0 ? "no " : count + " arrays of ") + arrays
                    + ", but the network needs one for each of its " + what + ": " + names);
        }
    }

    private static boolean needsLabels(ComputationGraph graph, String output) {
        return !(graph.getLayer(output) instanceof IOutputLayer layer) || layer.needsLabels();
    }
}
