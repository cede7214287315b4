package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small dense network with two hidden layers, as for tables: about 10,000 parameters. */
final class Mlp {
    static final VectorSize SIZE = new VectorSize(64, 10);
    static final int USUAL_BATCH = 32;

    private static final int UNITS = 72;

    private Mlp() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(1e-3))
                .dataType(DataType.FLOAT)
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.feedForward(SIZE.width()))
                .addLayer("dense1", new DenseLayer.Builder().nOut(UNITS).build(), "input")
                .addLayer("dense2", new DenseLayer.Builder().nOut(UNITS).build(), "dense1")
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .weightInit(WeightInit.XAVIER)
                                .nOut(SIZE.outputs())
                                .build(),
                        "dense2")
                .setOutputs("output")
                .build();
    }
}
