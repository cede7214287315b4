package io.github.dl4jpipeline.internal.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;

class StageAssignmentTest {
    private static final Device DEVICE = new Device("cpu-0", Device.Kind.CPU, List.of(0), 1_000, 1);

    private static VertexGraph chain() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("a", new DenseLayer.Builder().nIn(2).nOut(2).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nIn(2).nOut(2).build(), "a")
                .addLayer("out", new OutputLayer.Builder().nIn(2).nOut(2).build(), "b")
                .setOutputs("out")
                .build());
        graph.init();
        return VertexGraph.of(graph);
    }

    private static PartitionPlan plan(List<String> first, List<String> second) {
        return PartitionPlan.of(List.of(Stage.of(DEVICE, first), Stage.of(DEVICE, second)), 1);
    }

    @Test
    void stageOfEachVertex() {
        VertexGraph chain = chain();
        StageAssignment assigned = StageAssignment.of(plan(List.of("in", "a"), List.of("b", "out")), chain);
        assertThat(assigned.vertices()).isSameAs(chain);
        assertThat(assigned.stages()).isEqualTo(2);
        assertThat(assigned.stageOf()).containsExactly(0, 0, 1, 1);
        assertThat(assigned.stageOf(1)).isZero();
        assertThat(assigned.stageOf(2)).isOne();
        assertThat(assigned.positions(0)).containsExactly(0, 1);
        assertThat(assigned.positions(1)).containsExactly(2, 3);
    }

    @Test
    void everyVertexHasAStage() {
        assertThatThrownBy(() -> StageAssignment.of(plan(List.of("in", "a"), List.of("out")), chain()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no stage for vertex 'b'");
        assertThatThrownBy(() -> StageAssignment.of(plan(List.of("a"), List.of("b", "out")), chain()))
                .hasMessageContaining("no stage for vertex 'in'");
    }

    @Test
    void noEdgeRunsBackward() {
        assertThatThrownBy(() -> StageAssignment.of(plan(List.of("in", "b"), List.of("a", "out")), chain()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'b' is in stage 0, but reads 'a' of stage 1");
    }
}
