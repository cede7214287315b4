package io.github.dl4jpipeline.examples;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;

/** A small network for {@link Images}, where an example is not about the network. Your own program has its own here. */
final class SmallNetwork {
    private SmallNetwork() {}

    static ComputationGraph graph(int size) {
        ComputationGraph graph = new ComputationGraph(configuration(size));
        graph.init();
        return graph;
    }

    /** @param size height and width of an image */
    static ComputationGraphConfiguration configuration(int size) {
        return new NeuralNetConfiguration.Builder()
                .seed(42)
                .updater(new Adam(0.005))
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(size, size, 3))
                .addLayer("conv1", convolution(16), "image")
                .addLayer("pool1", pooling(), "conv1")
                .addLayer("conv2", convolution(32), "pool1")
                .addLayer("pool2", pooling(), "conv2")
                .addLayer("dense", new DenseLayer.Builder().nOut(64).build(), "pool2")
                .addLayer("output", new OutputLayer.Builder().nOut(10).build(), "dense")
                .setOutputs("output")
                .build();
    }

    private static ConvolutionLayer convolution(int channels) {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build();
    }

    private static SubsamplingLayer pooling() {
        return new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build();
    }
}
