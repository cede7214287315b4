package io.github.dl4jpipeline.result;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 in float for a deep network, whose roundings grow. */
class DeepNetworkTest {
    private static final int EXAMPLES = 6;

    private final ComputationGraph graph = TestGraphs.graph(TestGraphs.deep(DataType.FLOAT));
    private final MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, EXAMPLES, 4, 3, 12, 12);

    @ParameterizedTest
    @EnumSource(Kernels.class)
    void oneStage(Kernels kernels) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(graph))
                .plan(SameResult.evenPlan(graph, 1, 1))
                .kernels(kernels)
                .build()) {
            SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
        }
    }

    @Test
    void threeStages() {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(graph))
                .plan(SameResult.evenPlan(graph, 3, 1))
                .build()) {
            SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
        }
    }

    @Test
    void replicasThatJoinTheirStatistics() {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(graph))
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(graph, EXAMPLES))
                .replicas(2)
                .microBatches(2)
                .build()) {
            SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
        }
    }
}
