package io.github.dl4jpipeline.benchmarks;

import java.util.Arrays;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;

/** Two layers of a kind with 64 or 128 outputs, and what makes 10 classes of theirs. */
enum LayerNetwork {
    SEPARABLE(LayerNetwork::separable, 64, 32, 32),
    DEPTHWISE(LayerNetwork::depthwise, 64, 32, 32),
    TRANSPOSED(LayerNetwork::transposed, 128, 8, 8),
    SERIES(LayerNetwork::series, 128, 128);

    private static final int CLASSES = 10;

    private final Supplier<ConvolutionLayer> layer;
    private final int[] example;

    LayerNetwork(Supplier<ConvolutionLayer> layer, int... example) {
        this.layer = layer;
        this.example = example;
    }

    private static ConvolutionLayer separable() {
        return new SeparableConvolution2D.Builder(3, 3)
                .nOut(64)
                .convolutionMode(ConvolutionMode.Same)
                .build();
    }

    private static ConvolutionLayer depthwise() {
        return new DepthwiseConvolution2D.Builder(3, 3)
                .nOut(64)
                .convolutionMode(ConvolutionMode.Same)
                .build();
    }

    private static ConvolutionLayer transposed() {
        return new Deconvolution2D.Builder()
                .kernelSize(4, 4)
                .stride(2, 2)
                .nOut(64)
                .convolutionMode(ConvolutionMode.Same)
                .build();
    }

    private static ConvolutionLayer series() {
        return new Convolution1DLayer.Builder(3)
                .nOut(128)
                .convolutionMode(ConvolutionMode.Same)
                .build();
    }

    /** A new network, initialised. */
    ComputationGraph graph() {
        InputType input = example.length == 2
                ? InputType.recurrent(example[0], example[1])
                : InputType.convolutional(example[1], example[2], example[0]);
        GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .seed(42)
                .updater(new Nesterovs(0.01, 0.9))
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(input)
                .addLayer("first", layer.get(), "input")
                .addLayer("second", layer.get(), "first")
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "second")
                .addLayer(
                        "output",
                        new OutputLayer.Builder()
                                .nOut(CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "pool")
                .setOutputs("output");
        ComputationGraph graph = new ComputationGraph(builder.build());
        graph.init();
        return graph;
    }

    /** Random examples and classes. */
    DataSet batch(int examples) {
        long[] shape = LongStream.concat(
                        LongStream.of(examples), Arrays.stream(example).asLongStream())
                .toArray();
        INDArray labels = Nd4j.zeros(DataType.FLOAT, examples, CLASSES);
        for (int row = 0; row < examples; row++) {
            labels.putScalar(row, row % CLASSES, 1);
        }
        return new DataSet(Nd4j.rand(DataType.FLOAT, shape), labels);
    }
}
