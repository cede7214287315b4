package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.fixture.Fault;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.WorkerFault;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The first step, compared with plain Deeplearning4j's, on devices with their own memory. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryVerificationTest {
    @Test
    void theResultIsAsWithout() {
        ComputationGraph start = Network.LENET.graph(DataType.FLOAT);
        List<MultiDataSet> batches = Network.LENET.batches(DataType.FLOAT, 2);
        ComputationGraph without = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(without)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, List.of(2, 1), 4)))
                .build()) {
            batches.forEach(net::fit);
        }
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, List.of(2, 1), 4)))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            batches.forEach(net::fit);
            assertThat(net.report().verification().orElseThrow().isSame()).isTrue();
            assertThat(start.params()).isEqualTo(without.params());
        }
    }

    @Test
    void aDifferenceChangesNothing() {
        Fault fault = new Fault();
        ComputationGraph graph = VerificationTest.withFault(fault);
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 11, 3, 6);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        INDArray parameters = graph.params().dup();
        INDArray state = graph.getUpdater().getStateViewArray().dup();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(graph, 2, 3)))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            fault.set(1.01);
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(DifferentResultException.class)
                    .hasMessageContaining("'dense1_W'");
            assertThat(graph.params()).isEqualTo(parameters);
            assertThat(graph.getUpdater().getStateViewArray()).isEqualTo(state);
            assertThat(graph.getIterationCount()).isEqualTo(1);
            fault.set(1);
            net.fit(batch);
            SameResult.assertSame(net, expected, 2e-5);
        } finally {
            fault.close();
        }
    }
}
