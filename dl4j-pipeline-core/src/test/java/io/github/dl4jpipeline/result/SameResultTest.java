package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1: the same result as plain fit, for every network, cut, schedule and number of micro-batches. */
class SameResultTest {
    private static final double DOUBLE_TOLERANCE = 1e-10;
    private static final double FLOAT_TOLERANCE = 2e-5;

    @ParameterizedTest
    @MethodSource("io.github.dl4jpipeline.fixture.Network#withKernelsInDouble")
    void parametersAfterThreeStepsInDouble(Network network, Kernels kernels) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 4; stages++) {
            for (int microBatches : new int[] {1, 2, 3, 8}) {
                PartitionPlan plan = SameResult.evenPlan(start, stages, microBatches);
                for (Schedule schedule : Network.schedules(plan)) {
                    ComputationGraph graph = SameResult.copy(start);
                    try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                            .plan(plan)
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
    @MethodSource("io.github.dl4jpipeline.fixture.Network#withKernels")
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

    /** Only in float has a layer code whose roundings are larger. */
    @ParameterizedTest
    @EnumSource(Network.class)
    void preciseKernelsAreTheFastOnesInDouble(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        Map<Kernels, ComputationGraph> trained = new EnumMap<>(Kernels.class);
        for (Kernels kernels : List.of(Kernels.FAST, Kernels.PRECISE)) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, 3, 2))
                    .schedule(Schedules.zeroBubble())
                    .kernels(kernels)
                    .build()) {
                batches.forEach(net::fit);
            }
            trained.put(kernels, graph);
        }
        SameResult.assertSame(
                trained.get(Kernels.PRECISE).paramTable(),
                trained.get(Kernels.FAST).paramTable(),
                0);
        SameResult.assertSame(
                trained.get(Kernels.PRECISE).paramTable(),
                SameResult.plain(start, batches).paramTable(),
                DOUBLE_TOLERANCE);
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
    @MethodSource("io.github.dl4jpipeline.fixture.Network#schedules")
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
