package io.github.dl4jpipeline.cuda;

import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;

/** Chains of convolutions, poolings and dense layers for square colour images in ten classes. */
final class TestNetworks {
    private static final int CLASSES = 10;

    private TestNetworks() {}

    /** A small one for images of 14x14. */
    static ComputationGraph small(DataType type) {
        return graph(type, 14, List.of(conv(6), pool(), conv(8), pool(), dense(20)));
    }

    /** AlexNet at the size of CIFAR-10: 14,859,082 parameters, images of 32x32. */
    static ComputationGraph alexNet() {
        return graph(
                DataType.FLOAT,
                32,
                List.of(
                        conv(64),
                        pool(),
                        conv(192),
                        pool(),
                        conv(384),
                        conv(256),
                        conv(256),
                        pool(),
                        dense(2048),
                        dense(2048)));
    }

    /** VGG16 without dropout, images of 32x32. */
    static ComputationGraph vgg16() {
        return graph(
                DataType.FLOAT,
                32,
                List.of(
                        conv(64),
                        conv(64),
                        pool(),
                        conv(128),
                        conv(128),
                        pool(),
                        conv(256),
                        conv(256),
                        conv(256),
                        pool(),
                        conv(512),
                        conv(512),
                        conv(512),
                        pool(),
                        conv(512),
                        conv(512),
                        conv(512),
                        pool(),
                        dense(4096),
                        dense(4096)));
    }

    /** Random images and classes. */
    static MultiDataSet batch(DataType type, int examples, int size, long seed) {
        Nd4j.getRandom().setSeed(seed);
        INDArray labels = Nd4j.zeros(type, examples, CLASSES);
        for (int i = 0; i < examples; i++) {
            labels.putScalar(i, i % CLASSES, 1);
        }
        return new MultiDataSet(Nd4j.rand(type, examples, 3, size, size), labels);
    }

    private static ComputationGraph graph(DataType type, int size, List<Layer> layers) {
        ComputationGraphConfiguration.GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .updater(new Nesterovs(0.01, 0.9))
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.convolutional(size, size, 3));
        String last = "input";
        for (int i = 0; i < layers.size(); i++) {
            builder.addLayer("layer" + i, layers.get(i), last);
            last = "layer" + i;
        }
        builder.addLayer(
                "classes",
                new OutputLayer.Builder()
                        .nOut(CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build(),
                last);
        ComputationGraph graph =
                new ComputationGraph(builder.setOutputs("classes").build());
        graph.init();
        return graph;
    }

    private static Layer conv(int channels) {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build();
    }

    private static Layer pool() {
        return new SubsamplingLayer.Builder(2, 2).stride(2, 2).build();
    }

    private static Layer dense(int width) {
        return new DenseLayer.Builder().nOut(width).build();
    }
}
