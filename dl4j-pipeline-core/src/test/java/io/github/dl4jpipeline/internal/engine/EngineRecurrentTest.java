package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineCase.Neighbours;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.stage.CopyPasses;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Results;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Way;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Recurrent layers of the engine beside Deeplearning4j's. */
@SuppressWarnings("deprecation") // saved models still have the layer with peepholes
class EngineRecurrentTest {
    private static final KernelChoice FAST = KernelChoice.all(Kernels.FAST);
    private static final KernelChoice STOCK = KernelChoice.all(Kernels.STOCK);
    private static final int SIZE = 5;
    private static final int UNITS = 7;
    private static final int STEPS = 6;
    private static final int EXAMPLES = 4;

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    /** Which steps a mask leaves out. */
    private enum Masks {
        NONE,
        ENDS,
        WITHIN;

        INDArray of(int examples) {
            INDArray mask = Nd4j.ones(DataType.FLOAT, examples, STEPS);
            for (int example = 0; example < examples && this != NONE; example++) {
                for (int step = 1 + example; step < STEPS; step++) {
                    if (this == ENDS || step % 2 == 0) {
                        mask.putScalar(example, step, 0);
                    }
                }
            }
            return mask;
        }
    }

    private static Stream<Named<Layer>> layers() {
        List<Named<Layer>> layers = new ArrayList<>();
        for (RNNFormat format : RNNFormat.values()) {
            layers.add(Named.of("LSTM " + format, lstm(Activation.TANH, Activation.SIGMOID, format)));
            layers.add(Named.of("peepholes " + format, graves(Activation.SIGMOID, format)));
            layers.add(Named.of("simple " + format, simple(Activation.TANH, format)));
            layers.add(Named.of(
                    "last of LSTM " + format, new LastTimeStep(lstm(Activation.TANH, Activation.SIGMOID, format))));
            for (Bidirectional.Mode mode : Bidirectional.Mode.values()) {
                layers.add(Named.of(
                        "both ways " + mode + format,
                        new Bidirectional(mode, lstm(Activation.TANH, Activation.SIGMOID, format))));
            }
        }
        layers.add(Named.of("LSTM, hard sigmoid", lstm(Activation.TANH, Activation.HARDSIGMOID, RNNFormat.NCW)));
        layers.add(Named.of("LSTM, softsign", lstm(Activation.SOFTSIGN, Activation.SIGMOID, RNNFormat.NCW)));
        layers.add(Named.of("LSTM, sigmoid", lstm(Activation.SIGMOID, Activation.HARDSIGMOID, RNNFormat.NCW)));
        layers.add(Named.of("peepholes, hard sigmoid", graves(Activation.HARDSIGMOID, RNNFormat.NCW)));
        layers.add(Named.of("simple, identity", simple(Activation.IDENTITY, RNNFormat.NCW)));
        layers.add(Named.of("simple, ReLU", simple(Activation.RELU, RNNFormat.NCW)));
        layers.add(Named.of("simple, both ways", new Bidirectional(simple(Activation.TANH, RNNFormat.NCW))));
        layers.add(Named.of(
                "peepholes, both ways",
                new Bidirectional(Bidirectional.Mode.ADD, graves(Activation.SIGMOID, RNNFormat.NCW))));
        layers.add(Named.of(
                "last of both ways",
                new LastTimeStep(new Bidirectional(lstm(Activation.TANH, Activation.SIGMOID, RNNFormat.NCW)))));
        layers.add(Named.of("last of simple", new LastTimeStep(simple(Activation.TANH, RNNFormat.NCW))));
        layers.add(Named.of("last of peepholes", new LastTimeStep(graves(Activation.SIGMOID, RNNFormat.NCW))));
        return layers.stream();
    }

    private static Layer lstm(Activation function, Activation gate, RNNFormat format) {
        return new LSTM.Builder()
                .nOut(UNITS)
                .activation(function)
                .gateActivationFunction(gate)
                .dataFormat(format)
                .build();
    }

    private static Layer graves(Activation gate, RNNFormat format) {
        return new GravesLSTM.Builder()
                .nOut(UNITS)
                .activation(Activation.TANH)
                .gateActivationFunction(gate)
                .dataFormat(format)
                .build();
    }

    private static Layer simple(Activation function, RNNFormat format) {
        return new SimpleRnn.Builder()
                .nOut(UNITS)
                .activation(function)
                .dataFormat(format)
                .build();
    }

    private static RNNFormat format(Layer layer) {
        return org.deeplearning4j.util.TimeSeriesUtils.getFormatFromRnnLayer(layer);
    }

    /** The layer between two others, of which the first is recurrent if masks may not change what it hands on. */
    private static ComputationGraph graph(Layer layer, DataType type) {
        RNNFormat format = format(layer);
        boolean isLast = layer instanceof LastTimeStep;
        Layer output = isLast
                ? new OutputLayer.Builder(LossFunction.MCXENT).nOut(3).build()
                : new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(3)
                        .dataFormat(format)
                        .activation(Activation.SOFTMAX)
                        .build();
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.recurrent(SIZE, STEPS, format))
                .addLayer("before", lstm(Activation.TANH, Activation.SIGMOID, format), "in")
                .addLayer("layer", layer.clone(), "before")
                .addLayer("out", output, "layer")
                .setOutputs("out")
                .build());
        graph.init();
        graph.params().addi(EngineCase.values(type, 5, graph.params().shape()).muli(0.3));
        return graph;
    }

    private static MicroBatch batch(Layer layer, int examples, Masks ofFeatures, Masks ofLabels, DataType type) {
        boolean last = format(layer) == RNNFormat.NWC;
        INDArray features = last
                ? EngineCase.values(type, 3, examples, STEPS, SIZE)
                : EngineCase.values(type, 3, examples, SIZE, STEPS);
        boolean isLast = layer instanceof LastTimeStep;
        INDArray labels = Nd4j.zeros(
                type,
                isLast
                        ? new long[] {examples, 3}
                        : last ? new long[] {examples, STEPS, 3} : new long[] {examples, 3, STEPS});
        for (int example = 0; example < examples; example++) {
            if (isLast) {
                labels.putScalar(example, example % 3, 1);
            }
            for (int step = 0; step < STEPS && !isLast; step++) {
                int which = (example + step) % 3;
                labels.putScalar(last ? new int[] {example, step, which} : new int[] {example, which, step}, 1);
            }
        }
        INDArray[] featureMasks = ofFeatures == Masks.NONE
                ? null
                : new INDArray[] {ofFeatures.of(examples).castTo(type)};
        INDArray[] labelMasks = ofLabels == Masks.NONE || isLast
                ? null
                : new INDArray[] {ofLabels.of(examples).castTo(type)};
        return new MicroBatch(
                new INDArray[] {features}, new INDArray[] {labels}, featureMasks, labelMasks, 0, examples, null);
    }

    @ParameterizedTest
    @MethodSource("layers")
    void equalsDeeplearning4jsOwn(Layer layer) {
        ComputationGraph graph = graph(layer, DataType.FLOAT);
        try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            for (Masks ofFeatures : Masks.values()) {
                for (Masks ofLabels : Masks.values()) {
                    String name = ofFeatures + " " + ofLabels;
                    MicroBatch batch = batch(layer, EXAMPLES, ofFeatures, ofLabels, DataType.FLOAT);
                    Results expected = stock.train(batch.copy(), Way.USUAL, 0.5);
                    for (Way way : List.of(Way.USUAL, Way.SPLIT)) {
                        Results actual = engine.train(batch.copy(), way, 0.5);
                        assertThat(actual.blocked()).as(name).contains("layer");
                        assertSame(name + " activation of ", actual.activations(), expected.activations());
                        assertSame(name + " error of ", actual.errors(), expected.errors());
                        assertSame(name + " gradient of ", actual.gradients(), expected.gradients());
                    }
                    assertSame(
                            name + " inference, ",
                            engine.infer(batch.copy()).activations(),
                            stock.infer(batch.copy()).activations());
                }
            }
            for (int examples : new int[] {1, 3}) {
                MicroBatch other = batch(layer, examples, Masks.NONE, Masks.NONE, DataType.FLOAT);
                assertSame(
                        examples + " gradient of ",
                        engine.train(other.copy(), Way.USUAL, 0).gradients(),
                        stock.train(other.copy(), Way.USUAL, 0).gradients());
            }
        }
    }

    private static void assertSame(String name, Map<String, INDArray> actual, Map<String, INDArray> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        double largest = expected.values().stream()
                .mapToDouble(array -> ArrayDifference.of(array, array).largestExpected())
                .max()
                .orElse(0);
        expected.forEach((key, array) -> {
            ArrayDifference difference = ArrayDifference.of(actual.get(key), array);
            assertThat(difference.isWithin(2e-5, 1e-6 * largest))
                    .as(name + key + ": " + difference)
                    .isTrue();
        });
    }

    /** Between other layers, with gradients added to those that are there. */
    @Test
    void standsBesideAnyLayer() {
        InputType sequences = InputType.recurrent(SIZE, STEPS);
        for (Layer layer : List.of(
                lstm(Activation.TANH, Activation.SIGMOID, RNNFormat.NCW),
                graves(Activation.SIGMOID, RNNFormat.NCW),
                new LastTimeStep(lstm(Activation.TANH, Activation.SIGMOID, RNNFormat.NCW)))) {
            EngineComparison.Outcome outcome = EngineComparison.of(EngineCase.of("", sequences, layer), 5);
            assertThat(outcome.problems()).isEmpty();
            assertThat(outcome.refused()).isEmpty();
            assertThat(outcome.taken()).isEqualTo(9);
        }
    }

    @Test
    void ofAnySize() {
        Layer layer =
                new GravesLSTM.Builder().nOut(3).activation(Activation.TANH).build();
        EngineCase ofOneStep = EngineCase.of("", InputType.recurrent(2, 1), layer);
        EngineComparison.Outcome outcome = EngineComparison.of(ofOneStep, 3);
        assertThat(outcome.problems()).isEmpty();
        assertThat(outcome.taken()).isEqualTo(9);
        for (int units : new int[] {1, 1100}) { // more than a chunk
            Layer wide = new GravesLSTM.Builder()
                    .nOut(units)
                    .activation(Activation.TANH)
                    .build();
            ComputationGraph graph =
                    EngineCase.of("", InputType.recurrent(SIZE, STEPS), wide).graph(DataType.FLOAT, Neighbours.OTHERS);
            graph.params().muli(0.1);
            MicroBatch batch =
                    EngineCase.of("", InputType.recurrent(SIZE, STEPS), wide).batch(graph, 2, 3);
            try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                    CopyPasses engine = new CopyPasses(graph, FAST, true)) {
                Results expected = stock.train(batch.copy(), Way.USUAL, 0);
                assertSame("gradient of ", engine.train(batch, Way.USUAL, 0).gradients(), expected.gradients());
            }
        }
    }

    /** A diverging network must be seen as one: what is no number leads to Deeplearning4j's own layer. */
    @Test
    void whatIsNoNumberIsLeft() {
        Layer layer = lstm(Activation.TANH, Activation.SIGMOID, RNNFormat.NCW);
        ComputationGraph graph = graph(layer, DataType.FLOAT);
        MicroBatch batch = batch(layer, EXAMPLES, Masks.NONE, Masks.NONE, DataType.FLOAT);
        MicroBatch wrong = batch.copy();
        wrong.features()[0].putScalar(3, Double.NaN);
        try (CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            assertThat(engine.train(wrong, Way.USUAL, 0).blocked()).isEmpty();
            assertThat(engine.train(batch, Way.USUAL, 0).blocked()).contains("before", "layer");
        }
    }

    @Test
    void whatHasNoiseOrAnotherFunctionIsLeft() {
        List<Layer> left = List.of(
                new LSTM.Builder()
                        .nOut(UNITS)
                        .activation(Activation.TANH)
                        .dropOut(0.5)
                        .build(),
                new LSTM.Builder().nOut(UNITS).activation(Activation.SOFTMAX).build(),
                new SimpleRnn.Builder()
                        .nOut(UNITS)
                        .hasLayerNorm(true)
                        .activation(Activation.TANH)
                        .build(),
                new Bidirectional(new LSTM.Builder()
                        .nOut(UNITS)
                        .activation(Activation.TANH)
                        .dropOut(0.5)
                        .build()));
        for (Layer layer : left) {
            assertThat(EngineLayers.vertices(graph(layer, DataType.FLOAT), FAST))
                    .doesNotContain("layer");
        }
        assertThat(EngineLayers.vertices(
                        graph(lstm(Activation.TANH, Activation.SIGMOID, RNNFormat.NCW), DataType.DOUBLE), FAST))
                .isEmpty();
    }
}
