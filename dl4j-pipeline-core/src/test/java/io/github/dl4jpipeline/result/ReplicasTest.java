package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 for stages with replicas, and that nothing depends on timing. */
class ReplicasTest {
    private static final double DOUBLE_TOLERANCE = 1e-10;
    private static final double FLOAT_TOLERANCE = 2e-5;

    /** Replicas of 1 to 3 stages, equal and not. */
    private static final List<List<Integer>> REPLICAS = List.of(
            List.of(2),
            List.of(3),
            List.of(2, 2),
            List.of(3, 3),
            List.of(2, 2, 2),
            List.of(3, 3, 3),
            List.of(1, 2, 3),
            List.of(3, 1, 2));

    @ParameterizedTest
    @EnumSource(Network.class)
    void parametersAfterThreeStepsInDouble(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (List<Integer> replicas : REPLICAS) {
            for (int microBatches : new int[] {2, 5}) {
                PartitionPlan plan = SameResult.evenPlan(start, replicas, microBatches);
                for (Schedule schedule : Network.schedules(plan)) {
                    ComputationGraph graph = SameResult.copy(start);
                    try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                            .plan(plan)
                            .schedule(schedule)
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
    @EnumSource(Network.class)
    void gradientInFloat(Network network) {
        ComputationGraph graph = network.graph(DataType.FLOAT);
        MultiDataSet batch = network.batches(DataType.FLOAT, 1).get(0);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        for (List<Integer> replicas : REPLICAS) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, replicas, 5))
                    .build()) {
                SameResult.assertSame(SameResult.gradient(net, batch), expected, FLOAT_TOLERANCE);
            }
        }
    }

    static Stream<Schedule> schedules() {
        return Network.schedules();
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void batchesOfChangingSizeSomeWithFewerMicroBatchesThanReplicas(Schedule schedule) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = Stream.of(16, 5, 1, 16, 2, 3)
                .map(examples ->
                        (MultiDataSet) TestData.classification(DataType.DOUBLE, examples, examples, 4, 1, 14, 14))
                .toList();
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .devices(Devices.cpu(6))
                .profile(SameResult.evenProfile(start, 16))
                .stages(2)
                .replicas(3)
                .microBatches(4)
                .schedule(schedule)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
            assertThat(net.plan().stages()).allSatisfy(stage -> {
                assertThat(stage.replicas()).isEqualTo(3);
                assertThat(stage.devices()).doesNotHaveDuplicates();
            });
        }
    }

    @Test
    void theSameBitsEveryTime() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 13, 4, 1, 14, 14);
        ComputationGraph first = SameResult.copy(start);
        train(first, batch);
        for (int run = 0; run < 5; run++) {
            ComputationGraph again = SameResult.copy(start);
            train(again, batch);
            assertThat(again.params()).isEqualTo(first.params());
            assertThat(SameResult.difference(again.params(), first.params())).isZero();
        }
    }

    private static void train(ComputationGraph graph, MultiDataSet batch) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, List.of(3, 2), 7))
                .schedule(Schedules.oneForwardOneBackward())
                .build()) {
            for (int step = 0; step < 3; step++) {
                net.fit(batch);
            }
        }
    }
}
