package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.data.TextData;
import io.github.dl4jpipeline.cli.data.TextSet;
import org.deeplearning4j.nn.conf.BackpropType;
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

/**
 * Tells the next character of a text at each character (Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015):
 * two layers of long short-term memory, trained by truncated back-propagation through time.
 */
final class CharRnn {
    /** Of a text with letters of both cases, digits and punctuation; in training, the text decides on the characters. */
    static final SequenceSize SIZE = size(64);

    static final int USUAL_BATCH = 32;

    private static final int UNITS = 256;

    private CharRnn() {}

    /** What it takes and gives for a text with so many different characters. */
    static SequenceSize size(int characters) {
        return new SequenceSize(characters, TextSet.STEPS, characters, TextData.SEGMENT);
    }

    static ComputationGraphConfiguration configuration(long seed, int characters) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Adam(2e-3))
                .dataType(DataType.FLOAT)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.TANH)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.recurrent(characters))
                .addLayer("lstm1", new LSTM.Builder().nOut(UNITS).build(), "input")
                .addLayer("lstm2", new LSTM.Builder().nOut(UNITS).build(), "lstm1")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(characters)
                                .build(),
                        "lstm2")
                .setOutputs("output")
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTForwardLength(TextData.SEGMENT)
                .tBPTTBackwardLength(TextData.SEGMENT)
                .build();
    }
}
