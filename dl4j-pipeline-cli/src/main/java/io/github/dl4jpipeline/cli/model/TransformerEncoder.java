package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Two encoder blocks of a transformer (Vaswani et al., NeurIPS 2017) from Deeplearning4j's layers, a class at every step. A block is
 * self-attention with 4 heads, then two products for each step; each of both has a sum around it. Layers are not normalized:
 * Deeplearning4j has no layer that does so for sequences.
 */
final class TransformerEncoder {
    static final SequenceSize SIZE = new SequenceSize(64, 32, 10);

    private static final int BLOCKS = 2;
    private static final int HEADS = 4;
    private static final int HIDDEN = 256;

    private TransformerEncoder() {}

    static ComputationGraphConfiguration configuration(long seed) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(1e-3))
                .dataType(DataType.FLOAT)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.IDENTITY)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.recurrent(SIZE.width(), SIZE.steps()));
        String last = "input";
        for (int block = 1; block <= BLOCKS; block++) {
            last = addBlock(graph, "block" + block, last);
        }
        return graph.addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(SIZE.classes())
                                .build(),
                        last)
                .setOutputs("output")
                .build();
    }

    private static String addBlock(GraphBuilder graph, String name, String input) {
        SelfAttentionLayer attention = new SelfAttentionLayer.Builder()
                .nOut(SIZE.width())
                .nHeads(HEADS)
                .headSize(SIZE.width() / HEADS)
                .projectInput(true)
                .build();
        graph.addLayer(name + "-attention", attention, input);
        graph.addVertex(
                name + "-attended", new ElementWiseVertex(ElementWiseVertex.Op.Add), input, name + "-attention");
        graph.addLayer(name + "-wide", product(HIDDEN, Activation.RELU), name + "-attended");
        graph.addLayer(name + "-narrow", product(SIZE.width(), Activation.IDENTITY), name + "-wide");
        graph.addVertex(
                name + "-output",
                new ElementWiseVertex(ElementWiseVertex.Op.Add),
                name + "-attended",
                name + "-narrow");
        return name + "-output";
    }

    /** The same dense layer at every step. */
    private static Convolution1DLayer product(int outputs, Activation activation) {
        return new Convolution1DLayer.Builder(1)
                .nOut(outputs)
                .activation(activation)
                .build();
    }
}
