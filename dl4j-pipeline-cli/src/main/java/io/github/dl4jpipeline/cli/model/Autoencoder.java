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

/** A dense autoencoder for rows of 784 values, such as grey images of 28x28: 250 units, 10 in the middle, 250 units. */
final class Autoencoder {
    static final VectorSize SIZE = new VectorSize(784, 784);

    private static final int UNITS = 250;
    private static final int CODE = 10;

    private Autoencoder() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(1e-3))
                .dataType(DataType.FLOAT)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.feedForward(SIZE.width()))
                .addLayer("encoder", new DenseLayer.Builder().nOut(UNITS).build(), "input")
                .addLayer("code", new DenseLayer.Builder().nOut(CODE).build(), "encoder")
                .addLayer("decoder", new DenseLayer.Builder().nOut(UNITS).build(), "code")
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.SIGMOID)
                                .nOut(SIZE.outputs())
                                .build(),
                        "decoder")
                .setOutputs("output")
                .build();
    }
}
