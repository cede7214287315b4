package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 for several stages on each device, which one worker runs in turn. */
class InterleavedTest {
    private static final double DOUBLE_TOLERANCE = 1e-10;
    private static final double FLOAT_TOLERANCE = 2e-5;

    @ParameterizedTest
    @EnumSource(Network.class)
    void parametersAfterThreeStepsInDouble(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int devices = 1; devices <= 2; devices++) {
            for (int stages = devices + 1; stages <= 4; stages++) {
                for (int microBatches : new int[] {1, 3, 8}) {
                    PartitionPlan plan = SameResult.inTurn(SameResult.evenPlan(start, stages, microBatches), devices);
                    for (Schedule schedule : Network.schedules(plan)) {
                        ComputationGraph graph = SameResult.copy(start);
                        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                                .plan(plan)
                                .schedule(schedule)
                                .build()) {
                            assertThat(net.plan().workers()).isEqualTo(devices);
                            batches.forEach(net::fit);
                            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
                        }
                        SameResult.assertSame(graph.paramTable(), expected.paramTable(), DOUBLE_TOLERANCE);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void anyAssignmentOfVerticesToStagesWithStockKernels(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int seed = 0; seed < 4; seed++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.inTurn(SameResult.randomPlan(graph, 4, 5, seed), 2))
                    .kernels(Kernels.STOCK)
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void gradientInFloat(Network network) {
        ComputationGraph graph = network.graph(DataType.FLOAT);
        MultiDataSet batch = network.batches(DataType.FLOAT, 1).get(0);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        for (int microBatches : new int[] {2, 3, 8}) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.inTurn(SameResult.evenPlan(graph, 4, microBatches), 2))
                    .build()) {
                SameResult.assertSame(SameResult.gradient(net, batch), expected, FLOAT_TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jpipeline.fixture.Network#schedules")
    void batchesOfChangingSize(Schedule schedule) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = List.of(16, 5, 1, 16, 2, 3).stream()
                .map(examples ->
                        (MultiDataSet) TestData.classification(DataType.DOUBLE, examples, examples, 4, 1, 14, 14))
                .toList();
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.inTurn(SameResult.evenPlan(start, 4, 4), 2))
                .schedule(schedule)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
    }

    @Test
    void oneThreadForEachDevice() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 8, 4, 1, 14, 14);
        Set<String> before = pipelineThreads();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(graph, 8))
                .stages(4)
                .replicas(1)
                .microBatches(4)
                .build()) {
            net.fit(batch);
            Set<String> started = pipelineThreads();
            started.removeAll(before);
            assertThat(started).hasSize(2);
            assertThat(net.plan().kind()).hasToString("interleaved pipeline");
            assertThat(net.plan().stages()).hasSize(4);
            assertThat(net.report().stages()).hasSize(4).allMatch(stage -> stage.busyMillis() > 0);
        }
    }

    private static Set<String> pipelineThreads() {
        Set<String> names = new TreeSet<>();
        Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("pipeline-"))
                .forEach(names::add);
        return names;
    }
}
