package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Builds a network from images, 3x32x32 unless said otherwise, to classes, layer after layer: what is added reads what was
 * added last. ReLU, He's initialisation, 32-bit floats.
 */
final class ImageGraph {
    private final ImageSize size;
    private final GraphBuilder graph;
    private String last = "input";

    ImageGraph(long seed, IUpdater updater) {
        this(new NeuralNetConfiguration.Builder().seed(seed).updater(updater));
    }

    ImageGraph(NeuralNetConfiguration.Builder settings) {
        this(settings, ImageSize.CIFAR);
    }

    ImageGraph(NeuralNetConfiguration.Builder settings, ImageSize size) {
        this.size = size;
        graph = settings.dataType(DataType.FLOAT)
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs(last)
                .setInputTypes(size.inputType());
    }

    /** The name of the vertex that was added last. */
    String last() {
        return last;
    }

    /** Goes on from another vertex than the last. */
    ImageGraph from(String vertex) {
        last = vertex;
        return this;
    }

    ImageGraph layer(String name, Layer layer) {
        graph.addLayer(name, layer, last);
        last = name;
        return this;
    }

    /** A convolution 3x3 that keeps height and width. */
    ImageGraph conv3x3(String name, int channels) {
        return layer(
                name,
                new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build());
    }

    /** Halves height and width. */
    ImageGraph maxPool(String name) {
        return layer(
                name,
                new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                        .kernelSize(2, 2)
                        .stride(2, 2)
                        .build());
    }

    ImageGraph dense(String name, int outputs) {
        return layer(name, new DenseLayer.Builder().nOut(outputs).build());
    }

    /** The sum of the last vertex and another. */
    ImageGraph add(String name, String other) {
        graph.addVertex(name, new ElementWiseVertex(ElementWiseVertex.Op.Add), last, other);
        last = name;
        return this;
    }

    /** Ends the network in a softmax over the classes. */
    ComputationGraphConfiguration classify() {
        layer(
                "output",
                new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .weightInit(WeightInit.XAVIER)
                        .nOut(size.classes())
                        .build());
        return graph.setOutputs(last).build();
    }
}
