package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

class BatchNormTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void fullBatchStatisticsGiveTheSameResultAsPlainFit(int stages) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8));
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .profile(SameResult.evenProfile(start, 11))
                .stages(stages)
                .microBatches(8)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
            assertThat(net.plan().microBatches()).isEqualTo(1);
            assertThat(net.plan().explain()).contains("1 micro-batch", "aNorm", "PER_MICRO_BATCH");
        }
    }

    @Test
    void withOneMicroBatchThereIsOneStageUnlessAskedFor() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 32))
                .build()) {
            net.fit(TestData.classification(DataType.DOUBLE, 1, 32, 4, 3, 8, 8));
            assertThat(net.plan().stages()).hasSize(1);
        }
    }

    /** A profile, or a first batch, of one example says nothing about those that follow. */
    @Test
    void afterAProfileOfOneExampleLargerBatchesAreNotSplit() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 4, 3, 8, 8);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .kernels(Kernels.STOCK)
                .profile(SameResult.evenProfile(graph, 1))
                .microBatches(4)
                .build()) {
            net.fit(batch);
            assertThat(net.plan().microBatches()).isEqualTo(1);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void aPlanThatSplitsTheBatchIsRefused() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        PipelineBuilder builder = PipelineComputationGraph.builder(graph).plan(SameResult.evenPlan(graph, 2, 4));
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'aNorm'")
                .hasMessageContaining("1 micro-batch");
    }

    @ParameterizedTest
    @CsvSource({"2, 0, 2", "3, 0, 3", "2, 2, 2", "3, 3, 3", "2, 3, 2", "4, 0, 3"})
    void replicasJoinTheirStatistics(int replicas, int ofSecondStage, int microBatches) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches = new ArrayList<>();
        for (int examples : new int[] {11, 2, 1, 6}) {
            batches.add(TestData.classification(DataType.DOUBLE, examples, examples, 4, 3, 8, 8));
        }
        ComputationGraph expected = SameResult.plain(start, batches);
        List<Integer> ofStages = ofSecondStage == 0 ? List.of(replicas) : List.of(replicas, ofSecondStage);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, ofStages, microBatches))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void stagesThatComputeActivationsAgainJoinTheirStatistics() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8));
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.recomputing(SameResult.evenPlan(start, List.of(2, 2), 2)))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    /** Normalization makes small gradients of large ones, so that rounding shows: compared with double precision. */
    @Test
    void joinedStatisticsInFloatAreAsAccurateAsThoseOfPlainFit() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.FLOAT, true));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 13, 4, 3, 8, 8);
        Map<String, INDArray> plain = SameResult.gradient(SameResult.copy(graph), batch);
        Map<String, INDArray> exact = exactGradient(graph, batch);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .replicas(2)
                .microBatches(2)
                .build()) {
            Map<String, INDArray> joined = SameResult.gradient(net, batch);
            assertThat(net.plan().microBatches()).isEqualTo(2);
            exact.forEach((parameter, expected) -> assertThat(error(joined.get(parameter), expected))
                    .as(parameter)
                    .isLessThanOrEqualTo(Math.max(2e-5, 2 * error(plain.get(parameter), expected))));
        }
    }

    private static Map<String, INDArray> exactGradient(ComputationGraph graph, MultiDataSet batch) {
        ComputationGraph exact = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        exact.params().assign(graph.params().castTo(DataType.DOUBLE));
        return SameResult.gradient(
                exact,
                new org.nd4j.linalg.dataset.MultiDataSet(
                        batch.getFeatures(0).castTo(DataType.DOUBLE),
                        batch.getLabels(0).castTo(DataType.DOUBLE)));
    }

    private static double error(INDArray actual, INDArray exact) {
        return SameResult.difference(actual.castTo(DataType.DOUBLE), exact);
    }

    @Test
    void replicasJoinStatisticsOfRowsAndSequences() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("sequence")
                .setInputTypes(InputType.recurrent(3, 5))
                .addLayer("lstm", new LSTM.Builder().nOut(4).build(), "sequence")
                .addLayer("dense", TestGraphs.dense(6), "lstm")
                .addLayer(
                        "norm", new BatchNormalization.Builder().useLogStd(true).build(), "dense")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder()
                                .nOut(2)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "norm")
                .setOutputs("output")
                .build());
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.sequences(DataType.DOUBLE, seed, 5, 3, 2, 5, true));
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, List.of(2), 2))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void aReplicaThatFailsReleasesTheOthers() {
        Probe probe = new Probe();
        ComputationGraph start = TestGraphs.graph(withProbe(probe));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 4);
        ComputationGraph expected = SameResult.plain(start, List.of(batch));
        AtomicInteger calls = new AtomicInteger();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, List.of(2), 2))
                .exampleIndependent(ProbeVertex.class)
                .build()) {
            probe.onForward(() -> {
                if (calls.getAndIncrement() == 0) {
                    throw new IllegalStateException("first to come");
                }
            });
            assertThatThrownBy(() -> net.fit(batch)).hasMessageContaining("first to come");
            probe.reset();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        } finally {
            probe.close();
        }
    }

    private static ComputationGraphConfiguration withProbe(Probe probe) {
        return TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("input")
                .addLayer("dense", TestGraphs.dense(4, 6), "input")
                .addVertex("probe", probe.vertex(), "dense")
                .addLayer(
                        "norm", new BatchNormalization.Builder().nIn(6).nOut(6).build(), "probe")
                .addLayer("output", TestGraphs.softmax(6, 3), "norm")
                .setOutputs("output")
                .build();
    }

    @Test
    void withStockKernelsThereIsOneMicroBatch() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .kernels(Kernels.STOCK)
                .profile(SameResult.evenProfile(graph, 8))
                .replicas(2)
                .microBatches(2)
                .build()) {
            net.fit(TestData.classification(DataType.DOUBLE, 1, 8, 4, 3, 8, 8));
            assertThat(net.plan().microBatches()).isEqualTo(1);
        }
    }

    /** The semantics of PER_MICRO_BATCH: normalised by each micro-batch, running statistics of the whole batch. */
    @ParameterizedTest
    @CsvSource({"true, 1", "true, 2", "false, 1", "false, 3", "false, 4"})
    void perMicroBatchStatistics(boolean logStd, int replicas) {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .updater(new Sgd(0.1))
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(5, 5, 2))
                .addLayer(
                        "norm",
                        new BatchNormalization.Builder()
                                .useLogStd(logStd)
                                .decay(0.8)
                                .build(),
                        "image")
                .addLayer("output", TestGraphs.softmax(3), "norm")
                .setOutputs("output")
                .build();
        ComputationGraph start = TestGraphs.graph(configuration);
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 7, 9, 3, 2, 5, 5);
        MultiDataSet shifted = TestData.classification(DataType.DOUBLE, 8, 9, 3, 2, 5, 5);
        shifted.getFeatures(0).muli(3).addi(1);

        // Gamma and beta: gradients of the parts, each normalised alone, summed.
        List<Map<String, INDArray>> parts = new ArrayList<>();
        for (int[] range : new int[][] {{0, 3}, {3, 6}, {6, 9}}) {
            parts.add(SameResult.gradient(SameResult.copy(start), part(batch, range[0], range[1])));
        }
        // Running statistics: those of plain fit, since they come from the whole batch.
        ComputationGraph whole = SameResult.plain(start, List.of(batch, shifted));

        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, List.of(replicas, replicas), 3))
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build()) {
            Map<String, INDArray> gradient = SameResult.gradient(net, batch);
            for (String parameter : List.of("norm_gamma", "norm_beta", "output_W", "output_b")) {
                INDArray sum = parts.get(0).get(parameter).dup();
                sum.addi(parts.get(1).get(parameter)).addi(parts.get(2).get(parameter));
                assertThat(SameResult.difference(gradient.get(parameter), sum))
                        .as(parameter)
                        .isLessThan(1e-10);
            }
            net.fit(batch);
            net.fit(shifted);
            assertThat(net.plan().microBatches()).isEqualTo(3);
            for (String statistic : List.of("norm_mean", logStd ? "norm_log10stdev" : "norm_var")) {
                assertThat(SameResult.difference(net.getParam(statistic), whole.getParam(statistic)))
                        .as(statistic)
                        .isLessThan(1e-10);
            }
        }
    }

    private static MultiDataSet part(MultiDataSet batch, int from, int to) {
        return new org.nd4j.linalg.dataset.MultiDataSet(
                batch.getFeatures(0)
                        .get(
                                org.nd4j.linalg.indexing.NDArrayIndex.interval(from, to),
                                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                                org.nd4j.linalg.indexing.NDArrayIndex.all())
                        .dup(),
                batch.getLabels(0)
                        .get(
                                org.nd4j.linalg.indexing.NDArrayIndex.interval(from, to),
                                org.nd4j.linalg.indexing.NDArrayIndex.all())
                        .dup());
    }
}
