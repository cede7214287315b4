package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Stages that compute their activations again in backward tasks: the same result in less memory. */
class RecomputeTest {
    private static final double TOLERANCE = 1e-10;

    @ParameterizedTest
    @MethodSource("io.github.dl4jpipeline.fixture.Network#withKernelsInDouble")
    void sameResultAsPlainFit(Network network, Kernels kernels) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int seed = 0; seed < 4; seed++) {
            for (Schedule schedule : Network.schedules().toList()) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(SameResult.recomputing(SameResult.randomPlan(graph, 2 + seed % 3, 3, seed)))
                        .schedule(schedule)
                        .kernels(kernels)
                        .build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, TOLERANCE);
                }
            }
        }
    }

    @Test
    void replicasAndStagesThatShareAWorker() {
        ComputationGraph start = Network.RESIDUAL.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = Network.RESIDUAL.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (var plan : List.of(
                SameResult.evenPlan(start, List.of(2, 1), 5), SameResult.inTurn(SameResult.evenPlan(start, 4, 5), 2))) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.recomputing(plan))
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void allStagesDoAsTheBuilderSays(boolean recompute) {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 64))
                .stages(2)
                .replicas(1)
                .microBatches(8)
                .schedule(Schedules.fillDrain())
                .recompute(recompute)
                .build()) {
            net.fit(TestData.classification(DataType.FLOAT, 1, 64, 4, 1, 14, 14));
            assertThat(net.plan().stages()).hasSize(2).allMatch(stage -> stage.recompute() == recompute);
        }
    }

    @Test
    void takesLessMemoryAndDoesNotGrow() {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        List<MultiDataSet> batches =
                TestData.several(6, seed -> TestData.classification(DataType.FLOAT, seed, 64, 4, 1, 14, 14));
        PartitionPlan keeping = SameResult.evenPlan(graph, 2, 8); // one that is the same in each run
        List<Long> bytes = new ArrayList<>();
        for (PartitionPlan plan : List.of(keeping, SameResult.recomputing(keeping))) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(plan)
                    .schedule(Schedules.fillDrain())
                    .build()) {
                batches.subList(0, 4).forEach(net::fit);
                long before = reserved(net.report());
                batches.subList(4, 6).forEach(net::fit);
                assertThat(reserved(net.report())).isEqualTo(before);
                bytes.add(before);
            }
        }
        assertThat(bytes.get(1)).isLessThan(bytes.get(0) * 2 / 3);
    }

    private static long reserved(PipelineReport report) {
        return report.stages().stream().mapToLong(StageReport::memoryBytes).sum();
    }

    @Test
    void tilesKeepTheirActivations() {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        PipelineBuilder builder = PipelineComputationGraph.builder(graph)
                .tiling(FusedTiling.grid(2, 2))
                .recompute(true);
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("recompute(true)");
    }
}
