package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.ActivationLayer;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.OutputLayer;
import org.deeplearning4j.nn.layers.convolution.Convolution1DLayer;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.layers.convolution.Deconvolution2DLayer;
import org.deeplearning4j.nn.layers.convolution.DepthwiseConvolution2DLayer;
import org.deeplearning4j.nn.layers.convolution.SeparableConvolution2DLayer;
import org.deeplearning4j.nn.layers.convolution.subsampling.SubsamplingLayer;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.layers.feedforward.embedding.EmbeddingLayer;
import org.deeplearning4j.nn.layers.feedforward.embedding.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.layers.normalization.LocalResponseNormalization;
import org.deeplearning4j.nn.layers.recurrent.RnnOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Replaces layer objects of a graph by subclasses that compute the same faster. Everything around the computation, such
 * as preprocessors, dropout, weight noise and masks, stays Deeplearning4j's.
 *
 * <p>To add one: a subclass, and a line in {@code fasterThan}.
 */
public final class FastLayers {
    private FastLayers() {}

    /** Replaces each layer of an initialised graph for which there is a faster one, if such are chosen. */
    public static void replaceIn(ComputationGraph graph, KernelChoice choice) {
        DataType type = graph.getConfiguration().getDataType();
        for (GraphVertex graphVertex : graph.getVertices()) {
            if (graphVertex instanceof LayerVertex vertex
                    && choice.kernels() != Kernels.STOCK
                    && choice.code(vertex.getVertexName()) == KernelCode.USUAL) {
                Layer faster = fasterThan(inside(vertex.getLayer()), type, choice.kernels());
                if (faster != null) {
                    exchange(graph, vertex, faster);
                }
            }
        }
    }

    /** Puts another layer in the place of a vertex's, inside what freezes it. */
    public static void exchange(ComputationGraph graph, LayerVertex vertex, Layer other) {
        Layer original = vertex.getLayer();
        Layer inside = inside(original);
        takeOver(inside, other);
        replaceIn(graph.getLayers(), inside, other);
        vertex.setLayer(original == inside ? other : new FrozenLayer(other));
        replaceIn(graph.getLayers(), original, vertex.getLayer());
    }

    /** Names of the vertices that have fast code. */
    public static Set<String> vertices(ComputationGraph graph) {
        DataType type = graph.getConfiguration().getDataType();
        return Arrays.stream(graph.getVertices())
                .filter(vertex -> vertex instanceof LayerVertex
                        && fasterThan(inside(vertex.getLayer()), type, Kernels.FAST) != null)
                .map(GraphVertex::getVertexName)
                .collect(Collectors.toSet());
    }

    private static ConvolutionGeometry geometry(ConvolutionLayer layer) {
        return new ConvolutionGeometry(layer.layerConf(), layer.layerConf().getConvolutionMode());
    }

    /**
     * Names of the vertices that have fast code and can run with {@link KernelCode#STOCK} instead. Not so batch
     * normalizations: only the fast code can take their statistics across micro-batches, which a plan may need.
     */
    public static Set<String> replaceableVertices(ComputationGraph graph) {
        Set<String> names = new HashSet<>(vertices(graph));
        names.removeAll(batchNormalizations(graph));
        return names;
    }

    /** Names of the batch normalizations whose statistics can be taken across micro-batches that run at the same time. */
    public static Set<String> joinableVertices(ComputationGraph graph, Kernels kernels) {
        return kernels == Kernels.STOCK ? Set.of() : batchNormalizations(graph);
    }

    /** Names of the vertices that would normalize a batch and can do so across its micro-batches. */
    private static Set<String> batchNormalizations(ComputationGraph graph) {
        DataType type = graph.getConfiguration().getDataType();
        return Arrays.stream(graph.getVertices())
                .filter(vertex -> vertex instanceof LayerVertex
                        && fasterThan(vertex.getLayer(), type, Kernels.FAST) instanceof FastBatchNorm)
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
     * @return null if that is Deeplearning4j's own
     */
    private static @Nullable Layer fasterThan(Layer layer, DataType type, Kernels kernels) {
        Class<?> kind = layer.getClass();
        if (kind == ConvolutionLayer.class) {
            ConvolutionGeometry geometry = geometry((ConvolutionLayer) layer);
            boolean rounds = kernels == Kernels.PRECISE && type == DataType.FLOAT && geometry.isWinogradCandidate();
            return DirectConvolution.canRun(geometry) && !rounds ? new FastConvolution((ConvolutionLayer) layer) : null;
        }
        if (kind == Convolution1DLayer.class) {
            Convolution1DLayer convolution = (Convolution1DLayer) layer;
            boolean channelsFirst = convolution.layerConf().getRnnDataFormat() == RNNFormat.NCW;
            return channelsFirst ? new FastConvolution1D(convolution) : null;
        }
        if (kind == SeparableConvolution2DLayer.class) {
            SeparableConvolution2DLayer convolution = (SeparableConvolution2DLayer) layer;
            return FastSeparable.canRun(geometry(convolution)) ? new FastSeparable(convolution) : null;
        }
        if (kind == DepthwiseConvolution2DLayer.class) {
            return new FastDepthwise((DepthwiseConvolution2DLayer) layer);
        }
        if (kind == Deconvolution2DLayer.class) {
            return new CheckedDeconvolution((Deconvolution2DLayer) layer);
        }
        if (kind == DenseLayer.class) {
            DenseLayer dense = (DenseLayer) layer;
            return dense.hasLayerNorm() ? null : new FastDense(dense);
        }
        if (kind == OutputLayer.class) {
            return new FastOutput((OutputLayer) layer);
        }
        if (kind == RnnOutputLayer.class) {
            RnnOutputLayer output = (RnnOutputLayer) layer;
            return output.layerConf().getIDropout() == null ? new FastRnnOutput(output) : null;
        }
        if (kind == EmbeddingLayer.class) {
            return new FastEmbedding((EmbeddingLayer) layer);
        }
        if (kind == EmbeddingSequenceLayer.class) {
            return new FastEmbeddingSequence((EmbeddingSequenceLayer) layer);
        }
        if (kind == SubsamplingLayer.class) {
            SubsamplingLayer pooling = (SubsamplingLayer) layer;
            boolean faster = FastPooling.canReplace(pooling) && FastPooling.isFaster(pooling);
            return faster ? new FastPooling(pooling, type) : null;
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
}
