package io.github.dl4jpipeline.kernel;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.ActivationLayer;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.OutputLayer;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.layers.normalization.LocalResponseNormalization;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Replaces layer objects of a graph by subclasses that compute the same faster. Everything around the computation, such
 * as preprocessors, dropout, weight noise and masks, stays Deeplearning4j's.
 */
final class FastLayers {
    private FastLayers() {}

    /** Replaces each layer of an initialised graph for which there is a faster one, if such are chosen. */
    static void replaceIn(ComputationGraph graph, KernelChoice choice) {
        DataType type = graph.getConfiguration().getDataType();
        for (GraphVertex graphVertex : graph.getVertices()) {
            if (graphVertex instanceof LayerVertex vertex && choice.kernels() == Kernels.FAST) {
                Layer original = vertex.getLayer();
                Layer inside = inside(original);
                Layer faster = fasterThan(inside, type, choice.isOther(vertex.getVertexName()));
                if (faster != null) {
                    takeOver(inside, faster);
                    replaceIn(graph.getLayers(), inside, faster);
                    vertex.setLayer(original == inside ? faster : new FrozenLayer(faster));
                    replaceIn(graph.getLayers(), original, vertex.getLayer());
                }
            }
        }
    }

    /** Names of the vertices for which there is other code than what is usually fastest. */
    static Set<String> vertices(ComputationGraph graph) {
        DataType type = graph.getConfiguration().getDataType();
        return Arrays.stream(graph.getVertices())
                .filter(vertex ->
                        vertex instanceof LayerVertex && fasterThan(inside(vertex.getLayer()), type, false) != null)
                .map(GraphVertex::getVertexName)
                .collect(Collectors.toSet());
    }

    /** Names of the vertices that would normalize a batch and can do so across its micro-batches. */
    static Set<String> batchNormalizations(ComputationGraph graph) {
        DataType type = graph.getConfiguration().getDataType();
        return Arrays.stream(graph.getVertices())
                .filter(vertex -> vertex instanceof LayerVertex
                        && fasterThan(vertex.getLayer(), type, false) instanceof FastBatchNorm)
                .map(GraphVertex::getVertexName)
                .collect(Collectors.toSet());
    }

    private static Layer inside(Layer layer) {
        return layer instanceof FrozenLayer frozen ? frozen.getInsideLayer() : layer;
    }

    private static void takeOver(Layer original, Layer faster) {
        faster.setIndex(original.getIndex());
        if (faster instanceof BaseLayer<?> withParameters) {
            withParameters.setParamsViewArray(original.params());
            withParameters.setParamTable(original.paramTable());
        }
    }

    private static void replaceIn(Layer[] layers, Layer original, Layer faster) {
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] == original) {
                layers[i] = faster;
            }
        }
    }

    /**
     * Subclasses of these layers, and wrappers, are left alone: they may compute something else.
     *
     * @param other whether to take other code than what is usually fastest, which can be Deeplearning4j's own: null
     */
    private static @Nullable Layer fasterThan(Layer layer, DataType type, boolean other) {
        Class<?> kind = layer.getClass();
        if (kind == ConvolutionLayer.class) {
            ConvolutionLayer convolution = (ConvolutionLayer) layer;
            ConvolutionCode code = code(convolution, other);
            return code == null ? null : new FastConvolution(convolution, code);
        }
        if (other) {
            return null;
        }
        if (kind == DenseLayer.class) {
            DenseLayer dense = (DenseLayer) layer;
            return dense.hasLayerNorm() ? null : new FastDense(dense);
        }
        if (kind == OutputLayer.class) {
            return new FastOutput((OutputLayer) layer);
        }
        if (kind == ActivationLayer.class) {
            return new FastActivation((ActivationLayer) layer, type);
        }
        if (kind == BatchNormalization.class) {
            BatchNormalization normalization = (BatchNormalization) layer;
            return normalization.layerConf().isLockGammaBeta() ? null : new FastBatchNorm(normalization);
        }
        if (kind == LocalResponseNormalization.class) {
            return new FastLrn((LocalResponseNormalization) layer, type);
        }
        return null;
    }

    private static @Nullable ConvolutionCode code(ConvolutionLayer layer, boolean other) {
        // The oneDNN of ND4J 1.0.0-M2.1 refuses dilated convolutions.
        boolean direct =
                !other && Arrays.stream(layer.layerConf().getDilation()).allMatch(dilation -> dilation == 1);
        if (direct) {
            return new DirectConvolution();
        }
        return layer.layerConf().getCnn2dDataFormat() == CNN2DFormat.NCHW ? new UnfoldedConvolution() : null;
    }
}
