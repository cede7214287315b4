package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1: the same result as plain fit, for every network, cut, schedule and number of micro-batches. */
class SameResultTest {
    private static final double DOUBLE_TOLERANCE = 1e-10;
    private static final double FLOAT_TOLERANCE = 2e-5;
    private static final int EXAMPLES = 11; // a prime: no number of micro-batches divides it

    enum Network {
        LENET(TestGraphs::leNet, type -> seed -> TestData.classification(type, seed, EXAMPLES, 4, 1, 14, 14)),
        RESIDUAL(
                type -> TestGraphs.residual(type, false),
                type -> seed -> TestData.classification(type, seed, EXAMPLES, 4, 3, 8, 8)),
        TWO_INPUTS_TWO_OUTPUTS(
                TestGraphs::twoInputsTwoOutputs, type -> seed -> TestData.twoInputsTwoOutputs(type, seed, EXAMPLES)),
        LSTM(TestGraphs::lstm, type -> seed -> TestData.sequences(type, seed, EXAMPLES, 4, 3, 6, true)),
        LAST_STEP(TestGraphs::lastStep, type -> seed -> TestData.sequences(type, seed, EXAMPLES, 4, 3, 6, false)),
        EMBEDDING(TestGraphs::embedding, type -> seed -> TestData.words(type, seed, EXAMPLES, 7, 3)),
        LOSS_LAYER(TestGraphs::lossLayer, type -> seed -> TestData.classification(type, seed, EXAMPLES, 4, 2, 6, 6)),
        SHARED_LOSS(TestGraphs::sharedLoss, type -> seed -> TestData.twoOutputs(type, seed, EXAMPLES)),
        UNTRAINED_START(
                TestGraphs::untrainedStart, type -> seed -> TestData.classification(type, seed, EXAMPLES, 4, 2, 6, 6));

        private final Function<DataType, ComputationGraphConfiguration> configuration;
        private final Function<DataType, LongFunction<MultiDataSet>> batch;

        Network(
                Function<DataType, ComputationGraphConfiguration> configuration,
                Function<DataType, LongFunction<MultiDataSet>> batch) {
            this.configuration = configuration;
            this.batch = batch;
        }

        ComputationGraph graph(DataType type) {
            return TestGraphs.graph(configuration.apply(type));
        }

        List<MultiDataSet> batches(DataType type, int count) {
            return TestData.several(count, batch.apply(type));
        }
    }

    static Stream<Schedule> schedules() {
        return Stream.of(Schedules.fillDrain(), Schedules.oneForwardOneBackward(), Schedules.zeroBubble());
    }

    static Stream<Arguments> networksAndKernels() {
        return Arrays.stream(Network.values())
                .flatMap(network -> Arrays.stream(Kernels.values()).map(kernels -> Arguments.of(network, kernels)));
    }

    @ParameterizedTest
    @MethodSource("networksAndKernels")
    void parametersAfterThreeStepsInDouble(Network network, Kernels kernels) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 4; stages++) {
            for (int microBatches : new int[] {1, 2, 3, 8}) {
                for (Schedule schedule : schedules().toList()) {
                    ComputationGraph graph = SameResult.copy(start);
                    try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                            .plan(SameResult.evenPlan(graph, stages, microBatches))
                            .schedule(schedule)
                            .kernels(kernels)
                            .build()) {
                        batches.forEach(net::fit);
                        SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
                    }
                    SameResult.assertSame(graph.paramTable(), expected.paramTable(), DOUBLE_TOLERANCE);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("networksAndKernels")
    void gradientInFloat(Network network, Kernels kernels) {
        ComputationGraph graph = network.graph(DataType.FLOAT);
        MultiDataSet batch = network.batches(DataType.FLOAT, 1).get(0);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        for (int stages = 1; stages <= 4; stages++) {
            for (int microBatches : new int[] {1, 2, 3, 8}) {
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(SameResult.evenPlan(graph, stages, microBatches))
                        .kernels(kernels)
                        .build()) {
                    SameResult.assertSame(SameResult.gradient(net, batch), expected, FLOAT_TOLERANCE);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void anyAssignmentOfVerticesToStages(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int seed = 0; seed < 8; seed++) {
            ComputationGraph graph = SameResult.copy(start);
            int stages = 2 + seed % 3;
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.randomPlan(graph, stages, 3, seed))
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void batchesOfChangingSize(Schedule schedule) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = Stream.of(16, 5, 1, 16, 2, 3)
                .map(examples ->
                        (MultiDataSet) TestData.classification(DataType.DOUBLE, examples, examples, 4, 1, 14, 14))
                .toList();
        ComputationGraph expected = SameResult.plain(start, batches);
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 16))
                .stages(2)
                .microBatches(4)
                .schedule(schedule)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
    }

    @Test
    void alexNetCifarInDouble() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.DOUBLE));
        assertThat(start.numParams()).isEqualTo(14_859_082);
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 3, 10, 3, 32, 32));
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 2))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
    }

    @Test
    void alexNetCifarGradientInFloat() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.FLOAT));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 6, 10, 3, 32, 32);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        for (int stages = 2; stages <= 3; stages++) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, stages, 4))
                    .build()) {
                SameResult.assertSame(SameResult.gradient(net, batch), expected, FLOAT_TOLERANCE);
            }
        }
    }
}
