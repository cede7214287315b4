package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Outputs, scores and evaluations of a pipeline beside those of the wrapped graph. */
class InferenceTest {
    private static final DataType TYPE = DataType.DOUBLE;

    /** A network, and a batch of any size for it. */
    private record Network(ComputationGraphConfiguration configuration, IntFunction<MultiDataSet> batch) {}

    private static Stream<Named<Network>> networks() {
        return Stream.of(
                Named.of(
                        "LeNet",
                        new Network(
                                TestGraphs.leNet(TYPE),
                                examples -> TestData.classification(TYPE, 1, examples, 4, 1, 14, 14))),
                Named.of(
                        "residual, batch norm",
                        new Network(
                                TestGraphs.residual(TYPE, true),
                                examples -> TestData.classification(TYPE, 1, examples, 4, 3, 8, 8))),
                Named.of(
                        "two inputs, two outputs",
                        new Network(
                                TestGraphs.twoInputsTwoOutputs(TYPE),
                                examples -> TestData.twoInputsTwoOutputs(TYPE, 1, examples))),
                Named.of(
                        "LSTM, masks",
                        new Network(
                                TestGraphs.lstm(TYPE),
                                examples -> TestData.sequences(TYPE, 1, examples, 4, 3, 6, true))),
                Named.of(
                        "sums as scores",
                        new Network(
                                TestGraphs.leNet(TYPE, settings -> settings.miniBatch(false)),
                                examples -> TestData.classification(TYPE, 1, examples, 4, 1, 14, 14))));
    }

    @ParameterizedTest
    @MethodSource("networks")
    void outputsAndScores(Network network) {
        ComputationGraph graph = TestGraphs.graph(network.configuration());
        for (Kernels kernels : Kernels.values()) {
            for (int devices = 1; devices <= 3; devices++) {
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .devices(Devices.cpu(devices))
                        .profile(SameResult.evenProfile(graph, 7))
                        .replicas(devices) // so that there may be more devices than cores
                        .kernels(kernels)
                        .build()) {
                    for (int examples : new int[] {1, 2, 7}) {
                        assertSame(net, graph, network.batch().apply(examples));
                    }
                }
            }
        }
    }

    private static void assertSame(ComputationGraph net, ComputationGraph graph, MultiDataSet batch) {
        INDArray[] expected =
                graph.output(false, batch.getFeatures(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
        INDArray[] actual =
                net.output(false, batch.getFeatures(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(SameResult.difference(actual[i], expected[i])).isLessThanOrEqualTo(1e-10);
        }
        double score = graph.score(batch);
        assertThat(net.score(batch)).isCloseTo(score, within(1e-9 * Math.abs(score)));
    }

    /** An example has several rows of the output, which do not follow each other: parts of a batch cannot be joined. */
    @SuppressWarnings("rawtypes") // Deeplearning4j's builder
    private static Stream<Named<GraphBuilder>> rows() {
        return Stream.of(
                Named.of(
                        "time steps",
                        TestGraphs.settings(TYPE)
                                .graphBuilder()
                                .addInputs("in")
                                .setInputTypes(InputType.recurrent(4, 6))
                                .addLayer("lstm", new LSTM.Builder().nOut(5).build(), "in")
                                .addLayer("output", TestGraphs.softmax(3), "lstm")),
                Named.of(
                        "blocks of images",
                        TestGraphs.settings(TYPE)
                                .graphBuilder()
                                .addInputs("in")
                                .setInputTypes(InputType.convolutional(6, 6, 2))
                                .addLayer("blocks", new SpaceToBatchLayer.Builder(new int[] {2, 2}).build(), "in")
                                .addLayer("output", new CnnLossLayer.Builder(LossFunction.MSE).build(), "blocks")));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void rowsThatAreNotExamples(GraphBuilder builder) {
        ComputationGraph graph = TestGraphs.graph(builder.setOutputs("output").build());
        boolean images = graph.getVertex("lstm") == null;
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).devices(Devices.cpu(2)).build()) {
            for (int call = 0; call < 2; call++) {
                INDArray features =
                        images ? TestData.values(TYPE, call, 5, 2, 6, 6) : TestData.values(TYPE, call, 5, 4, 6);
                assertThat(SameResult.difference(net.outputSingle(features), graph.outputSingle(features)))
                        .isLessThanOrEqualTo(1e-10);
            }
        }
    }

    @Test
    void evaluatesIteratorsWithAPartialBatch() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(TYPE));
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = List.of(
                TestData.classification(TYPE, 1, 8, 4, 1, 14, 14), TestData.classification(TYPE, 2, 3, 4, 1, 14, 14));
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).devices(Devices.cpu(2)).build()) {
            String actual = net.evaluate(new IteratorMultiDataSetIterator(batches.iterator(), 8))
                    .confusionToString();
            String expected = graph.evaluate(new IteratorMultiDataSetIterator(batches.iterator(), 8))
                    .confusionToString();
            assertThat(actual).isEqualTo(expected);
        }
    }

    @Test
    void seesWhatHasBeenLearnedSince() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(TYPE));
        MultiDataSet batch = TestData.classification(TYPE, 1, 8, 4, 1, 14, 14);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).devices(Devices.cpu(2)).build()) {
            INDArray before = net.outputSingle(batch.getFeatures());
            net.fit(batch);
            assertThat(net.outputSingle(batch.getFeatures())).isNotEqualTo(before);
            assertSame(net, graph, batch);
        }
    }

    @Test
    void severalCallersAtOnce() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(TYPE));
        MultiDataSet batch = TestData.classification(TYPE, 1, 8, 4, 1, 14, 14);
        INDArray expected = graph.outputSingle(batch.getFeatures());
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).devices(Devices.cpu(2)).build()) {
            List<CompletableFuture<INDArray>> calls = Stream.generate(
                            () -> CompletableFuture.supplyAsync(() -> net.outputSingle(batch.getFeatures())))
                    .limit(8)
                    .toList();
            for (CompletableFuture<INDArray> call : calls) {
                assertThat(SameResult.difference(call.join(), expected)).isLessThanOrEqualTo(1e-10);
            }
        }
    }

    /** Whatever has been found to be faster by then. */
    @Test
    void independentBranchesOfFewExamples() {
        ComputationGraph graph = TestGraphs.graph(BranchSplitter.branches(3).split(TestGraphs.residual(TYPE, true)));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(3))
                .profile(SameResult.evenProfile(graph, 1))
                .replicas(3)
                .build()) {
            for (int call = 0; call < 70; call++) {
                MultiDataSet batch = TestData.classification(TYPE, call, 1 + call % 2, 4, 3, 8, 8);
                assertSame(net, graph, batch);
                if (call % 16 == 15) {
                    net.fit(batch);
                }
            }
        }
    }

    @Test
    void aWrongShapeIsReportedAsByTheGraph() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(TYPE));
        MultiDataSet batch = TestData.classification(TYPE, 1, 8, 4, 1, 14, 14);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).devices(Devices.cpu(2)).build()) {
            assertThatThrownBy(() -> net.outputSingle(TestData.values(TYPE, 1, 8, 3, 14, 14)))
                    .isInstanceOf(DL4JInvalidInputException.class)
                    .hasMessageContaining("conv1");
            assertSame(net, graph, batch);
        }
    }
}
