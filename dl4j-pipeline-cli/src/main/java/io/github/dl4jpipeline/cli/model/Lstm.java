package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Two layers of long short-term memory (Hochreiter and Schmidhuber, Neural Computation 1997), a class at every step. */
final class Lstm {
    static final SequenceSize SIZE = new SequenceSize(64, 32, 10);

    private static final int UNITS = 256;

    private Lstm() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(1e-3))
                .dataType(DataType.FLOAT)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.TANH)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.recurrent(SIZE.width(), SIZE.steps()))
                .addLayer("lstm1", new LSTM.Builder().nOut(UNITS).build(), "input")
                .addLayer("lstm2", new LSTM.Builder().nOut(UNITS).build(), "lstm1")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(SIZE.classes())
                                .build(),
                        "lstm2")
                .setOutputs("output")
                .build();
    }
}
