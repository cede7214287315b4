package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Nesterovs;

/** A network of your own, first with plain Deeplearning4j, then in a pipeline: one more line. Argument: epochs. */
public final class OwnNetwork {
    private OwnNetwork() {}

    public static void main(String... args) {
        int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        DataSetIterator training = Images.generated(320, 16, 32, 1);
        DataSetIterator test = Images.generated(100, 16, 50, 2);

        ComputationGraph plain = new ComputationGraph(configuration());
        plain.init();
        ComputationGraph graph = plain.clone();

        plain.fit(training, epochs);
        System.out.printf("Plain Deeplearning4j: score %.4f%n", plain.score());

        // The one line that is new. All that follows is as with a graph.
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            net.fit(training, epochs);
            System.out.printf("In a pipeline:        score %.4f%n", net.score());
            System.out.printf("Test accuracy %.3f%n", net.evaluate(test).accuracy());
            System.out.println("Plan: " + net.plan().summary());
        }
    }

    /** A convolution, a block with a connection around it, and a classifier. */
    private static ComputationGraphConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(42)
                .updater(new Nesterovs(0.05, 0.9))
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(16, 16, 3))
                .addLayer("stem", convolution(), "image")
                .addLayer("conv1", convolution(), "stem")
                .addLayer("conv2", convolution(), "conv1")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "stem", "conv2")
                .addLayer("pool", new SubsamplingLayer.Builder(new int[] {4, 4}, new int[] {4, 4}).build(), "sum")
                .addLayer("output", new OutputLayer.Builder().nOut(10).build(), "pool")
                .setOutputs("output")
                .build();
    }

    private static ConvolutionLayer convolution() {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(16).build();
    }
}
