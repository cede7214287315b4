package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.stream.Stream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Deeplearning4j's numerical gradient check, on pipelines of each kind of recurrent layer, with masks of different length. */
@SuppressWarnings({"deprecation", "rawtypes"}) // saved models still have layers with peepholes
class RecurrentGradientCheckTest {
    private static final int SIZE = 3;
    private static final int STEPS = 3;
    private static final int CLASSES = 3;
    private static final int EXAMPLES = 5;

    @BeforeAll
    static void doublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void singlePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    private static Stream<Named<Layer>> layers() {
        return Stream.of(
                Named.of("LSTM", lstm()),
                Named.of(
                        "LSTM with a hard sigmoid",
                        new LSTM.Builder()
                                .nOut(4)
                                .gateActivationFunction(Activation.HARDSIGMOID)
                                .build()),
                Named.of("peepholes", new GravesLSTM.Builder().nOut(4).build()),
                Named.of("simple", simple()),
                Named.of("both ways", new Bidirectional(Bidirectional.Mode.CONCAT, lstm())),
                Named.of("both ways added", new Bidirectional(Bidirectional.Mode.ADD, simple())),
                Named.of("both ways averaged", new Bidirectional(Bidirectional.Mode.AVERAGE, lstm())),
                Named.of("both ways multiplied", new Bidirectional(Bidirectional.Mode.MUL, lstm())),
                Named.of(
                        "peepholes both ways",
                        new GravesBidirectionalLSTM.Builder().nOut(4).build()),
                Named.of("last step", new LastTimeStep(lstm())),
                Named.of("last step of both ways", new LastTimeStep(new Bidirectional(simple()))));
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nOut(4).build();
    }

    private static SimpleRnn simple() {
        return new SimpleRnn.Builder().nOut(4).build();
    }

    @ParameterizedTest
    @MethodSource("layers")
    void gradient(Layer layer) {
        boolean perStep = !(layer instanceof LastTimeStep);
        GraphBuilder builder = TestGraphs.settings(DataType.DOUBLE)
                .updater(new NoOp())
                .activation(Activation.TANH)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(SIZE, STEPS))
                .addLayer("layer", layer, "steps")
                .addLayer(
                        "output",
                        perStep
                                ? new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                        .activation(Activation.SOFTMAX)
                                        .nOut(CLASSES)
                                        .build()
                                : TestGraphs.softmax(CLASSES),
                        "layer")
                .setOutputs("output");
        ComputationGraph graph = TestGraphs.graph(builder.build());
        MultiDataSet batch = TestData.sequences(DataType.DOUBLE, 1, EXAMPLES, SIZE, CLASSES, STEPS, perStep);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build()) {
            assertThat(GradientCheckUtil.checkGradients(new GradientCheckUtil.GraphConfig()
                            .net(net)
                            .inputs(batch.getFeatures())
                            .labels(batch.getLabels())
                            .inputMask(batch.getFeaturesMaskArrays())
                            .labelMask(batch.getLabelsMaskArrays())
                            .subset(true)
                            .maxPerParam(10)
                            .epsilon(1e-6)
                            .maxRelError(1e-5)
                            .minAbsoluteError(1e-8)
                            .print(GradientCheckUtil.PrintMode.FAILURES_ONLY)))
                    .isTrue();
        }
    }
}
