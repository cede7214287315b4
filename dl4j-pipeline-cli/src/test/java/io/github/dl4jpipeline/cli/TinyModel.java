package io.github.dl4jpipeline.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks of one convolution, so that tests spend their time on what they test. */
public final class TinyModel {
    private static final ConvolutionLayer CONVOLUTION = new ConvolutionLayer.Builder(4, 4)
            .stride(4, 4)
            .nOut(4)
            .activation(Activation.RELU)
            .build();

    private TinyModel() {}

    /** A graph for images of 3x32x32, with dropout and an updater that has state. */
    public static ComputationGraph graph(int classes) {
        ComputationGraph graph = new ComputationGraph(settings()
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.convolutional(32, 32, 3))
                .addLayer("convolution", CONVOLUTION.clone(), "input")
                .addLayer("output", output(classes), "convolution")
                .setOutputs("output")
                .build());
        graph.init();
        return graph;
    }

    /** The same as a multi-layer network. */
    public static MultiLayerNetwork network() {
        MultiLayerNetwork network = new MultiLayerNetwork(settings()
                .list()
                .layer(CONVOLUTION.clone())
                .layer(output(10))
                .setInputType(InputType.convolutional(32, 32, 3))
                .build());
        network.init();
        return network;
    }

    /** Writes the graph for 10 classes. */
    public static Path save(Path file) {
        try {
            graph(10).save(file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    private static NeuralNetConfiguration.Builder settings() {
        return new NeuralNetConfiguration.Builder().seed(7).updater(new Adam(0.01));
    }

    private static OutputLayer output(int classes) {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(classes)
                .dropOut(0.8)
                .build();
    }
}
