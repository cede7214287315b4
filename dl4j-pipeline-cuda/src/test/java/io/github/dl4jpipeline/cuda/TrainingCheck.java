package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;

/** Trains on devices, one stage on each. */
final class TrainingCheck {
    private TrainingCheck() {}

    /** A pipeline whose stages have about as many vertices each. */
    static PipelineComputationGraph pipeline(ComputationGraph graph, Devices devices, int microBatches) {
        List<Vertex> vertices = VertexGraph.of(graph).vertices();
        List<Stage> stages = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            List<Vertex> own =
                    vertices.subList(vertices.size() * i / devices.size(), vertices.size() * (i + 1) / devices.size());
            stages.add(Stage.of(devices.get(i), own.stream().map(Vertex::name).toList()));
        }
        return PipelineComputationGraph.builder(graph)
                .plan(PartitionPlan.of(stages, microBatches))
                .build();
    }

    /** Asserts that parameters after three steps in double precision are those of plain fit. */
    static void sameResult(Devices devices) {
        ComputationGraph expected = TestNetworks.small(DataType.DOUBLE);
        ComputationGraph graph = TestNetworks.small(DataType.DOUBLE);
        try (PipelineComputationGraph net = pipeline(graph, devices, 3)) {
            for (int step = 0; step < 3; step++) {
                MultiDataSet batch = TestNetworks.batch(DataType.DOUBLE, 11, 14, step);
                expected.fit(batch);
                net.fit(batch);
            }
        }
        expected.paramTable().forEach((name, array) -> assertThat(
                        ArrayDifference.of(graph.getParam(name), array).relative())
                .as(name)
                .isLessThanOrEqualTo(1e-10));
    }
}
