package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.internal.layers.LayerCase.Kind;
import java.util.Map;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Graphs of Deeplearning4j's with the layer of a {@link LayerCase}, and values for them. */
public final class LayerCaseGraph {
    /** Added to biases, so that no pre-activation of ReLU is so near to 0 that rounding decides what it passes back. */
    private static final double OFF_ZERO = 1 / 32.0;

    private final LayerCase layer;
    private final DataType type;

    public LayerCaseGraph(LayerCase layer, DataType type) {
        this.layer = layer;
        this.type = type;
    }

    /** Whether the graph has convolutions around the layer, from which it gets maps in inference. */
    boolean hasNeighbours() {
        return !layer.kind().isOfRows() && layer.kind() != Kind.CONVOLUTION_1D;
    }

    /** A graph whose parameters are in memory with guards. */
    ComputationGraph create(GuardedMemory memory) {
        GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .dataType(type)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(inputType())
                .validateOutputLayerConfig(false);
        if (hasNeighbours()) {
            builder.addLayer("before", pointwise(layer.inputs()), "in");
            addLayer(builder, "before");
            builder.addLayer("after", pointwise(2), "layer");
        } else {
            addLayer(builder, "in");
        }
        if (layer.kind() == Kind.OUTPUT) {
            builder.setOutputs("layer");
        } else {
            LossLayer loss =
                    new LossLayer.Builder().activation(Activation.IDENTITY).build();
            builder.addLayer("out", loss, hasNeighbours() ? "after" : "layer").setOutputs("out");
        }
        ComputationGraph graph = new ComputationGraph(builder.build());
        graph.init();
        long parameters = graph.numParams();
        if (parameters > 0) {
            graph.init(memory.array(type, new long[] {1, parameters}, 'c'), false);
            setParameters(graph.paramTable());
        }
        return graph;
    }

    private void addLayer(GraphBuilder builder, String input) {
        if (layer.kind() == Kind.ADDITION) {
            builder.addLayer("beside", pointwise(layer.inputs()), "in")
                    .addVertex("layer", new ElementWiseVertex(ElementWiseVertex.Op.Add), input, "beside");
        } else {
            builder.addLayer("layer", configuration(), input);
        }
    }

    /** What the layer reads. */
    public InputType inputType() {
        int height = layer.map().height();
        return switch (layer.kind()) {
            case DENSE, OUTPUT -> InputType.feedForward(layer.inputs());
            case CONVOLUTION_1D -> InputType.recurrent(layer.inputs(), height);
            default -> InputType.convolutional(height, layer.map().width(), layer.inputs(), layer.format());
        };
    }

    private ConvolutionLayer pointwise(int outputs) {
        return new ConvolutionLayer.Builder(1, 1)
                .nOut(outputs)
                .dataFormat(layer.format())
                .activation(Activation.IDENTITY)
                .build();
    }

    /** The layer itself; an addition is none. */
    public Layer configuration() {
        return switch (layer.kind()) {
            case CONVOLUTION -> {
                ConvolutionLayer.Builder builder = new ConvolutionLayer.Builder().dataFormat(layer.format());
                yield convolution(builder).dilation(layer.dilation().array()).build();
            }
            case CONVOLUTION_1D ->
                new Convolution1DLayer.Builder(
                                layer.kernel().height(), layer.stride().height())
                        .padding(layer.padding().height())
                        .dilation(layer.dilation().height())
                        .convolutionMode(layer.mode())
                        .nOut(layer.outputs())
                        .activation(layer.activation())
                        .hasBias(layer.bias())
                        .build();
            case DEPTHWISE -> {
                DepthwiseConvolution2D.Builder builder = new DepthwiseConvolution2D.Builder()
                        .dataFormat(layer.format())
                        .depthMultiplier(ofEachChannel());
                yield convolution(builder)
                        .nOut(layer.inputs() * ofEachChannel())
                        .dilation(layer.dilation().array())
                        .build();
            }
            case SEPARABLE -> {
                SeparableConvolution2D.Builder builder = new SeparableConvolution2D.Builder()
                        .dataFormat(layer.format())
                        .depthMultiplier(ofEachChannel());
                yield convolution(builder).dilation(layer.dilation().array()).build();
            }
            case DECONVOLUTION -> {
                Deconvolution2D.Builder builder = new Deconvolution2D.Builder().dataFormat(layer.format());
                yield convolution(builder).dilation(layer.dilation().array()).build();
            }
            case MAX_POOLING -> pooling(SubsamplingLayer.PoolingType.MAX);
            case AVERAGE_POOLING -> pooling(SubsamplingLayer.PoolingType.AVG);
            case NORM_POOLING -> pooling(SubsamplingLayer.PoolingType.PNORM);
            case DENSE ->
                new DenseLayer.Builder()
                        .nOut(layer.outputs())
                        .activation(layer.activation())
                        .hasBias(layer.bias())
                        .build();
            case OUTPUT ->
                new OutputLayer.Builder(LossFunction.MSE)
                        .nOut(layer.outputs())
                        .activation(layer.activation())
                        .hasBias(layer.bias())
                        .build();
            case RESPONSE_NORMALIZATION ->
                new LocalResponseNormalization.Builder()
                        .n(1 + layer.outputs() % 6)
                        .beta(layer.bias() ? 0.75 : 0.6)
                        .alpha(0.1)
                        .dataFormat(layer.format())
                        .build();
            case BATCH_NORMALIZATION ->
                new BatchNormalization.Builder()
                        .dataFormat(layer.format())
                        .useLogStd(layer.bias())
                        .build();
            case ACTIVATION ->
                new ActivationLayer.Builder().activation(layer.activation()).build();
            case ADDITION -> throw new IllegalArgumentException("not a layer");
        };
    }

    private int ofEachChannel() {
        return 1 + layer.outputs() % 3;
    }

    private <T extends ConvolutionLayer.BaseConvBuilder<T>> T convolution(T builder) {
        builder.setKernelSize(layer.kernel().array());
        builder.setStride(layer.stride().array());
        builder.setPadding(layer.padding().array());
        return builder.convolutionMode(layer.mode())
                .nOut(layer.outputs())
                .activation(layer.activation())
                .hasBias(layer.bias());
    }

    private SubsamplingLayer pooling(SubsamplingLayer.PoolingType pooling) {
        return new SubsamplingLayer.Builder(pooling)
                .kernelSize(layer.kernel().array())
                .stride(layer.stride().array())
                .padding(layer.padding().array())
                .dilation(layer.dilation().array())
                .convolutionMode(layer.mode())
                .dataFormat(layer.format())
                .pnorm(2)
                .build();
    }

    private void setParameters(Map<String, INDArray> parameters) {
        parameters.forEach((name, array) -> {
            if (layer.kind() == Kind.BATCH_NORMALIZATION && name.startsWith("layer_")) {
                INDArray usual = Nd4j.ones(type, array.shape()); // a standard deviation of 10, or a variance of 1
                array.assign(usual.addi(values(name, 0.1, false, array.shape())));
            } else if (name.endsWith("_b")) {
                array.assign(values(name, 1, true, array.shape()).addi(OFF_ZERO));
            } else {
                double size = isExact() ? 0.25 : 1 / Math.sqrt((double) array.length() / layer.outputs());
                array.assign(values(name, size, isExact(), array.shape()));
            }
        });
    }

    /** Whether sums of products are exact, whatever their order. */
    private boolean isExact() {
        return layer.activation() == Activation.RELU || layer.kind().isPooling();
    }

    INDArray input() {
        long examples = layer.examples();
        long channels = layer.inputs();
        long height = layer.map().height();
        long width = layer.map().width();
        long[] shape =
                switch (layer.kind()) {
                    case DENSE, OUTPUT -> new long[] {examples, channels};
                    case CONVOLUTION_1D -> new long[] {examples, channels, height};
                    default ->
                        layer.format() == CNN2DFormat.NCHW
                                ? new long[] {examples, channels, height, width}
                                : new long[] {examples, height, width, channels};
                };
        return values("input", 1, isExact(), shape);
    }

    INDArray error(long[] shape) {
        return values("error", 1, false, shape);
    }

    /** Normally distributed values, or small whole numbers, times their size: the same for every name. */
    private INDArray values(String name, double size, boolean whole, long[] shape) {
        SplittableRandom random = new SplittableRandom(layer.noise() + name.hashCode());
        INDArray values = Nd4j.createUninitialized(type, shape, 'c');
        double[] numbers = new double[(int) values.length()];
        for (int i = 0; i < numbers.length; i++) {
            // A sum of four even distributions is near enough to a normal one.
            numbers[i] = whole
                    ? random.nextInt(-3, 4) * size
                    : (random.nextDouble() + random.nextDouble() + random.nextDouble() + random.nextDouble() - 2)
                            * 1.7
                            * size;
        }
        return values.assign(Nd4j.createFromArray(numbers).reshape(shape));
    }
}
