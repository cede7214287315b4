package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Trains without oneDNN, in a process of its own. Ends with status 0 if the result is that of plain fit. */
final class WithoutOneDnn {
    private WithoutOneDnn() {}

    public static void main(String[] args) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT, settings -> settings));
        MultiDataSet batch = new MultiDataSet(
                Nd4j.rand(DataType.FLOAT, 4, 1, 14, 14), Nd4j.eye(4).castTo(DataType.FLOAT));
        ComputationGraph plain = SameResult.plain(graph, List.of(batch, batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(1))
                .plan(SameResult.evenPlan(graph, 1, 2))
                .build()) {
            net.fit(batch);
            net.fit(batch);
        }
        boolean same = SameResult.difference(graph.params(), plain.params()) < 2e-5;
        System.exit(same && !OneDnn.isAvailable() ? 0 : 1);
    }
}
