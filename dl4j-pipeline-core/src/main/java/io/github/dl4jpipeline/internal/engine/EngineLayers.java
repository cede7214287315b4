package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineConvolution.Kernel;
import io.github.dl4jpipeline.internal.graph.Segments;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.ElementWiseVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.graph.vertex.impl.MergeVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.deeplearning4j.nn.params.SeparableConvolutionParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Which vertices the engine runs: those that compute in float what oneDNN has a primitive for, without dropout and noise on
 * parameters. To add one: an {@link EngineLayer}, and a line here.
 */
public final class EngineLayers {
    private static final int CHANNELS = 1;
    private static final int CHANNELS_LAST = 3;

    private final ComputationGraph graph;
    private final KernelChoice choice;
    private final Engine engine;

    public EngineLayers(ComputationGraph graph, KernelChoice choice, Engine engine) {
        this.graph = graph;
        this.choice = choice;
        this.engine = engine;
    }

    /** Names of the vertices that the engine runs, unless their input is of another kind than it takes. */
    public static Set<String> vertices(ComputationGraph graph, KernelChoice choice) {
        EngineLayers layers = new EngineLayers(graph, choice, Engine.of(new PackedWeights()));
        return Arrays.stream(graph.getVertices())
                .filter(vertex -> layers.of(vertex, true) != null)
                .map(GraphVertex::getVertexName)
                .collect(Collectors.toSet());
    }

    /**
     * The code of a vertex.
     *
     * @param inputErrors whether errors of what it reads are wanted
     * @return null if Deeplearning4j's, or faster code for its layer, must run it
     */
    public @Nullable EngineLayer of(GraphVertex vertex, boolean inputErrors) {
        PackedWeights packed = engine.packed();
        boolean may = packed != null
                && choice.kernels() != Kernels.STOCK
                && !engine.leaves().test(vertex)
                && choice.code(vertex.getVertexName()) == KernelCode.USUAL
                && graph.getConfiguration().getDataType() == DataType.FLOAT
                && Nd4j.getEnvironment().isCPU()
                && OneDnn.isAvailable();
        if (!may) {
            return null;
        }
        if (vertex instanceof LayerVertex layerVertex) {
            return of(layerVertex, packed, inputErrors);
        }
        org.deeplearning4j.nn.conf.graph.GraphVertex conf =
                graph.getConfiguration().getVertices().get(vertex.getVertexName());
        if (vertex.getClass() == ElementWiseVertex.class) {
            return EngineElementWise.of(
                    ((org.deeplearning4j.nn.conf.graph.ElementWiseVertex) conf).getOp(), vertex.getNumInputArrays());
        }
        if (vertex.getClass() != MergeVertex.class) {
            return null;
        }
        return switch (((org.deeplearning4j.nn.conf.graph.MergeVertex) conf).getMergeAxis()) {
            case CHANNELS -> new EngineMerge();
            case CHANNELS_LAST -> in(CNN2DFormat.NHWC, new EngineMerge());
            default -> null;
        };
    }

    private @Nullable EngineLayer of(LayerVertex vertex, PackedWeights packed, boolean inputErrors) {
        if (vertex.getLayer() instanceof FrozenLayer frozen) {
            EngineLayer inside = of(vertex, frozen.getInsideLayer(), packed, false);
            return inside == null ? null : new EngineFrozen(inside);
        }
        if (!vertex.isOutputVertex()) {
            EngineLayer recurrent = RecurrentLayers.of(vertex.getVertexName(), vertex.getLayer(), packed);
            if (recurrent != null) {
                boolean carries = recurrent instanceof EngineRecurrent || !Segments.isIn(graph);
                return carries ? behind(vertex.getLayerPreProcessor(), recurrent, packed) : null;
            }
        }
        boolean isWrapped =
                vertex.getLayer() instanceof BaseWrapperLayer; // whose configuration may be that of what is inside
        return isWrapped ? null : of(vertex, vertex.getLayer(), packed, inputErrors);
    }

    private @Nullable EngineLayer of(LayerVertex vertex, Layer layer, PackedWeights packed, boolean inputErrors) {
        org.deeplearning4j.nn.conf.layers.Layer conf = layer.conf().getLayer();
        boolean noisy =
                conf.getIDropout() != null || (conf instanceof BaseLayer weighted && weighted.getWeightNoise() != null);
        if (noisy || vertex.isOutputVertex()) {
            return null;
        }
        EngineLayer code = of(vertex.getVertexName(), layer, conf, packed, inputErrors);
        return behind(vertex.getLayerPreProcessor(), code, packed);
    }

    private @Nullable EngineLayer of(
            String vertex,
            Layer layer,
            org.deeplearning4j.nn.conf.layers.Layer conf,
            PackedWeights packed,
            boolean inputErrors) {
        Class<?> kind = conf.getClass(); // subclasses may compute something else
        if (conf instanceof ConvolutionLayer convolution) {
            return convolution(vertex, layer, convolution, packed, inputErrors);
        }
        if (kind == DenseLayer.class) {
            return dense(layer, (DenseLayer) conf);
        }
        if (kind == SubsamplingLayer.class) {
            SubsamplingLayer pooling = (SubsamplingLayer) conf;
            return in(pooling.getCnn2dDataFormat(), EnginePooling.of(pooling));
        }
        if (kind == Subsampling1DLayer.class) {
            SubsamplingLayer pooling = (SubsamplingLayer) conf;
            return ofSequences(pooling.getCnn2dDataFormat(), EnginePooling.ofSequences(pooling), packed);
        }
        if (kind == Upsampling2D.class) {
            Upsampling2D upsampling = (Upsampling2D) conf;
            return in(upsampling.getFormat(), new EngineUpsampling(upsampling.getSize()));
        }
        if (kind == ZeroPaddingLayer.class) {
            ZeroPaddingLayer zeros = (ZeroPaddingLayer) conf;
            return in(zeros.getDataFormat(), new EngineBorder(zeros.getPadding(), true));
        }
        if (kind == Cropping2D.class) {
            Cropping2D cropping = (Cropping2D) conf;
            return in(cropping.getDataFormat(), new EngineBorder(cropping.getCropping(), false));
        }
        if (kind == GlobalPoolingLayer.class) {
            return EngineGlobalPooling.of((GlobalPoolingLayer) conf);
        }
        if (kind == BatchNormalization.class) {
            BatchNormalization normalization = (BatchNormalization) conf;
            return normalization.isLockGammaBeta()
                    ? null
                    : in(
                            normalization.getCnn2DFormat(),
                            new EngineBatchNorm((org.deeplearning4j.nn.layers.normalization.BatchNormalization) layer));
        }
        if (kind == LocalResponseNormalization.class) {
            LocalResponseNormalization normalization = (LocalResponseNormalization) conf;
            return in(normalization.getDataFormat(), EngineLrn.of(normalization));
        }
        if (kind == SelfAttentionLayer.class) {
            return new EngineAttention(vertex, layer, (SelfAttentionLayer) conf, packed);
        }
        if (kind == ActivationLayer.class) {
            Activation function = Functions.of(((ActivationLayer) conf).getActivationFn());
            return function == null || function.isIdentity() ? null : new EngineActivation(function);
        }
        return null;
    }

    /** The code for what a preprocessor puts out, for what that reads; null if it does more than reshape. */
    private @Nullable EngineLayer behind(
            @Nullable InputPreProcessor preprocessor, @Nullable EngineLayer code, PackedWeights packed) {
        if (preprocessor == null || code == null) {
            return code;
        }
        Reshaping reshaping = Reshaping.of(preprocessor, graph::batchSize);
        boolean toMaps = preprocessor instanceof FeedForwardToCnnPreProcessor;
        return reshaping == null ? null : new EngineReshaped(reshaping, code, Reshaping.NONE, toMaps ? packed : null);
    }

    /** The code for maps with channels first, for maps of this format. */
    private static @Nullable EngineLayer in(CNN2DFormat format, @Nullable EngineLayer code) {
        return code == null || format == CNN2DFormat.NCHW
                ? code
                : new EngineReshaped(Reshaping.TO_CHANNELS_FIRST, code, Reshaping.TO_CHANNELS_LAST);
    }

    /** The code for maps whose height is 1, for sequences with channels first; with channels last Deeplearning4j fails in training. */
    private static @Nullable EngineLayer ofSequences(
            CNN2DFormat format, @Nullable EngineLayer code, PackedWeights packed) {
        return code == null || format != CNN2DFormat.NCHW
                ? null
                : new EngineReshaped(Reshaping.TO_MAPS, code, Reshaping.TO_SEQUENCES, packed);
    }

    private @Nullable EngineLayer convolution(
            String vertex, Layer layer, ConvolutionLayer conf, PackedWeights packed, boolean inputErrors) {
        Activation function = Functions.of(conf.getActivationFn());
        if (function == null) {
            return null;
        }
        boolean exact = choice.kernels() == Kernels.PRECISE;
        String weights = ConvolutionParamInitializer.WEIGHT_KEY;
        Class<?> kind = conf.getClass();
        if (kind == Convolution1DLayer.class) {
            RNNFormat format = ((Convolution1DLayer) conf).getRnnDataFormat();
            Windows windows = Windows.ofSequences(
                    conf.getKernelSize(),
                    conf.getStride(),
                    conf.getPadding(),
                    conf.getDilation(),
                    conf.getConvolutionMode());
            Kernel kernel = Kernel.ofSequences(vertex, weights, layer);
            EngineLayer code =
                    new EngineConvolution(kernel, windows, layer, conf.hasBias(), function, packed, inputErrors, exact);
            return ofSequences(format == RNNFormat.NCW ? CNN2DFormat.NCHW : CNN2DFormat.NHWC, code, packed);
        }
        EngineLayer code = ofMaps(vertex, layer, conf, packed, inputErrors, function, exact);
        return in(conf.getCnn2dDataFormat(), code);
    }

    private static @Nullable EngineLayer ofMaps(
            String vertex,
            Layer layer,
            ConvolutionLayer conf,
            PackedWeights packed,
            boolean inputErrors,
            Activation function,
            boolean exact) {
        Windows windows = new Windows(
                conf.getKernelSize(),
                conf.getStride(),
                conf.getPadding(),
                conf.getDilation(),
                conf.getConvolutionMode());
        String weights = ConvolutionParamInitializer.WEIGHT_KEY;
        Class<?> kind = conf.getClass();
        if (kind == SeparableConvolution2D.class && conf.getNIn() > 1) { // Deeplearning4j fails with one channel
            Kernel ofChannels = Kernel.ofEachChannelLast(vertex, weights, layer);
            Kernel ofPlaces = Kernel.of(vertex, SeparableConvolutionParamInitializer.POINT_WISE_WEIGHT_KEY, layer);
            return new EngineChain(
                    new EngineConvolution(
                            ofChannels, windows, layer, false, Activation.IDENTITY, packed, inputErrors, exact),
                    new EngineConvolution(
                            ofPlaces, Windows.ofPlaces(), layer, conf.hasBias(), function, packed, true, exact));
        }
        if (kind == Deconvolution2D.class) {
            Kernel kernel = Kernel.of(vertex, weights, layer);
            return new EngineDeconvolution(kernel, windows, layer, conf.hasBias(), function, packed, exact);
        }
        if (kind != ConvolutionLayer.class && kind != DepthwiseConvolution2D.class) {
            return null;
        }
        Kernel kernel = kind == ConvolutionLayer.class
                ? Kernel.of(vertex, weights, layer)
                : Kernel.ofEachChannel(vertex, weights, layer);
        EngineConvolution direct =
                new EngineConvolution(kernel, windows, layer, conf.hasBias(), function, packed, inputErrors, exact);
        return kernel.isGrouped()
                ? direct
                : new EngineEither(
                        new EngineProducts(kernel, windows, layer, conf.hasBias(), function, packed), direct);
    }

    private static @Nullable EngineLayer dense(Layer layer, DenseLayer conf) {
        Activation function = Functions.of(conf.getActivationFn());
        if (function == null) {
            return null;
        }
        var dense = (org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer) layer;
        if (!conf.hasLayerNorm()) {
            return new EngineDense(dense, conf.hasBias(), function);
        }
        EngineDense products = new EngineDense(dense, false, Activation.IDENTITY);
        return function.isIdentity()
                ? new EngineChain(products, new EngineRowNorm(dense))
                : new EngineChain(products, new EngineRowNorm(dense), new EngineActivation(function));
    }
}
