package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of a graph for inference, with batch normalization folded into the convolution before it. The activation
 * after it moves along. At inference batch normalization is a scale and a shift of each channel, so it can be part of
 * the weights. On its own it costs passes over the activations.
 *
 * <p>Outputs equal those of the graph up to rounding; several outputs keep their order.
 */
public final class FoldedGraph {
    private final ComputationGraph original;
    private final ComputationGraphConfiguration configuration;
    private final Map<String, INDArray> weights = new LinkedHashMap<>();

    private FoldedGraph(ComputationGraph original) {
        this.original = original;
        this.configuration = Configurations.copy(original.getConfiguration());
    }

    /** The copy, with parameters of its own. */
    public static ComputationGraph of(ComputationGraph graph) {
        return new FoldedGraph(Given.notNull("graph", graph)).fold();
    }

    private ComputationGraph fold() {
        for (String name : List.copyOf(configuration.getVertices().keySet())) {
            if (layer(name) instanceof ConvolutionLayer convolution && isPlain(convolution)) {
                onlyConsumer(name)
                        .filter(next -> isFoldable(layer(next)))
                        .ifPresent(next -> fold(name, convolution, next));
            }
        }
        ComputationGraph folded = new ComputationGraph(Configurations.of(
                configuration,
                configuration.getNetworkInputs(),
                configuration.getVertices(),
                configuration.getVertexInputs(),
                configuration.getNetworkOutputs()));
        folded.init();
        folded.paramTable().forEach((key, array) -> {
            INDArray value = weights.get(key);
            array.assign(value == null ? original.getParam(key) : value);
        });
        return folded;
    }

    private void fold(String name, ConvolutionLayer convolution, String norm) {
        NormScale scale = NormScale.of(original.getLayer(norm), (BatchNormalization) layer(norm));
        weights.put(name + "_W", scale.weights(original.getParam(name + "_W")));
        weights.put(name + "_b", scale.bias(convolution.hasBias() ? original.getParam(name + "_b") : null));
        convolution.setHasBias(true);
        remove(norm, name);
        onlyConsumer(name)
                .filter(next -> layer(next) != null && layer(next).getClass() == ActivationLayer.class)
                .ifPresent(next -> {
                    convolution.setActivationFn(((ActivationLayer) layer(next)).getActivationFn());
                    remove(next, name);
                });
    }

    /** Takes a vertex out; what read it reads another instead. */
    private void remove(String vertex, String instead) {
        configuration.getVertices().remove(vertex);
        configuration.getVertexInputs().remove(vertex);
        configuration
                .getVertexInputs()
                .values()
                .forEach(inputs -> inputs.replaceAll(input -> input.equals(vertex) ? instead : input));
    }

    private static boolean isPlain(ConvolutionLayer layer) {
        return layer.getClass() == ConvolutionLayer.class && layer.getActivationFn() instanceof ActivationIdentity;
    }

    private static boolean isFoldable(@Nullable Layer layer) {
        return layer != null
                && layer.getClass() == BatchNormalization.class
                && !((BatchNormalization) layer).isLockGammaBeta();
    }

    private @Nullable Layer layer(String name) {
        return configuration.getVertices().get(name) instanceof LayerVertex vertex && vertex.getPreProcessor() == null
                ? vertex.getLayerConf().getLayer()
                : null;
    }

    /** The vertex that alone reads another, unless the other is the output or this one is. */
    private Optional<String> onlyConsumer(String name) {
        List<String> consumers = configuration.getVertexInputs().entrySet().stream()
                .filter(entry -> entry.getValue().contains(name))
                .map(Map.Entry::getKey)
                .toList();
        return consumers.size() == 1
                        && !configuration.getNetworkOutputs().contains(consumers.get(0))
                        && !configuration.getNetworkOutputs().contains(name)
                ? Optional.of(consumers.get(0))
                : Optional.empty();
    }
}
