package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.graph.ForeignParts;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Graphs in which the result for an example depends on the others of its batch: plain fit's result, however it is built. */
class CoupledExamplesTest {
    private static final int EXAMPLES = 8;

    /** Adds vertices between "dense" and "last". */
    private interface Middle extends UnaryOperator<GraphBuilder> {}

    private static Stream<Named<Middle>> middles() {
        return Stream.of(
                middle("batch in a shape", b -> b.addVertex("last", new ReshapeVertex(EXAMPLES, 4), "dense")),
                middle("joined examples", b -> b.addVertex("joined", new ReshapeVertex(4, -1), "dense")
                        .addVertex("unit", new L2NormalizeVertex(), "joined")
                        .addVertex("last", new ReshapeVertex(-1, 4), "unit")),
                middle("examples joined by width", b -> b.addVertex("joined", new ReshapeVertex(-1, 8), "dense")
                        .addVertex("unit", new L2NormalizeVertex(), "joined")
                        .addVertex("last", new ReshapeVertex(-1, 4), "unit")),
                middle(
                        "activation function of the user",
                        b -> b.addLayer(
                                "last",
                                new DenseLayer.Builder()
                                        .nIn(4)
                                        .nOut(4)
                                        .activation(new ForeignParts.Activation())
                                        .build(),
                                "dense")),
                middle(
                        "activation function of the user, an enum",
                        b -> b.addLayer(
                                "last",
                                new DenseLayer.Builder()
                                        .nIn(4)
                                        .nOut(4)
                                        .activation(ForeignParts.EnumActivation.CENTRED)
                                        .build(),
                                "dense")),
                middle(
                        "preprocessor of the user within another",
                        b -> b.addVertex(
                                "last",
                                new PreprocessorVertex(
                                        new ComposableInputPreProcessor(new ForeignParts.Preprocessor())),
                                "dense")));
    }

    private static Named<Middle> middle(String name, Middle middle) {
        return Named.of(name, middle);
    }

    private static ComputationGraph graph(Middle middle) {
        GraphBuilder start = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("dense", TestGraphs.dense(4, 4), "in");
        return TestGraphs.graph(middle.apply(start)
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .nIn(4)
                                .nOut(2)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "last")
                .setOutputs("output")
                .build());
    }

    private static MultiDataSet batch(long seed) {
        return new MultiDataSet(
                TestData.values(DataType.DOUBLE, seed, EXAMPLES, 4),
                TestData.values(DataType.DOUBLE, seed + 1, EXAMPLES, 2));
    }

    @ParameterizedTest
    @MethodSource("middles")
    void haveOneMicroBatch(Middle middle) {
        ComputationGraph start = graph(middle);
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = TestData.several(2, CoupledExamplesTest::batch);
        ComputationGraph expected = SameResult.plain(start, batches);
        List<UnaryOperator<PipelineBuilder>> settings =
                List.of(builder -> builder, builder -> builder.stages(2).microBatches(4), builder -> builder.replicas(2)
                        .microBatches(2));
        for (UnaryOperator<PipelineBuilder> setting : settings) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = setting.apply(PipelineComputationGraph.builder(graph))
                    .devices(Devices.cpu(2))
                    .profile(SameResult.evenProfile(graph, EXAMPLES))
                    .build()) {
                batches.forEach(net::fit);
                assertThat(net.plan().microBatches()).isEqualTo(1);
                assertThat(net.plan().explain()).contains("1 micro-batch");
                SameResult.assertSame(net, expected, 1e-10);
                INDArray output = net.output(batches.get(0).getFeatures())[0];
                assertThat(SameResult.difference(
                                output, expected.output(batches.get(0).getFeatures())[0]))
                        .isLessThan(1e-10);
                assertThat(net.score(batches.get(0)))
                        .isCloseTo(
                                expected.score(batches.get(0)), org.assertj.core.data.Percentage.withPercentage(1e-8));
            }
        }
    }

    @Test
    void lossesOfTheUserForWhichTheyVouch() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("dense", TestGraphs.dense(4, 4), "in")
                .addLayer(
                        "output",
                        new OutputLayer.Builder(new ForeignParts.Loss())
                                .nIn(4)
                                .nOut(2)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "dense")
                .setOutputs("output")
                .build());
        ComputationGraph expected = SameResult.plain(start, List.of(batch(1)));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 4))
                .exampleIndependent(ForeignParts.Loss.class)
                .build()) {
            net.fit(batch(1));
            SameResult.assertSame(net, expected, 1e-10);
        }
    }
}
