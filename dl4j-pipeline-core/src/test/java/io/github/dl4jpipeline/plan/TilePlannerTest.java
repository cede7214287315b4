package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.TestGraphs;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.tile.TileGrid;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** On a network of convolutions and two poolings, "0" to "9", for images of 64x64. */
class TilePlannerTest {
    private static final long[] IMAGES = {1, 3, 64, 64};
    private static final PlanOptions OPTIONS = PlanOptions.defaults();

    private final ComputationGraph graph = TestGraphs.graph(TestGraphs.yolo(DataType.FLOAT, 64));

    private static Devices devices(int count, long memory) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("d" + i, Device.Kind.CPU, List.of(i), memory, 1))
                .toList());
    }

    /** Every vertex takes as long, of which {@code fixed} does not depend on its size. */
    private GraphProfile profile(double millis, double fixed) {
        return profile(graph, millis, fixed);
    }

    private static GraphProfile profile(ComputationGraph graph, double millis, double fixed) {
        List<VertexCost> costs = new ArrayList<>();
        VertexGraph vertices = VertexGraph.of(graph);
        for (Vertex vertex : vertices.vertices()) {
            boolean input = vertex.inputs().isEmpty();
            costs.add(new VertexCost(
                    vertex.name(),
                    vertex.inputs().stream().map(in -> vertices.get(in).name()).toList(),
                    input ? 0 : millis,
                    input ? 0 : fixed,
                    input ? 0 : millis,
                    input ? 0 : 2 * millis,
                    input ? 0 : 2 * fixed,
                    input ? 0 : 2 * millis,
                    4 * 64 * 64 * 8,
                    100,
                    100,
                    100));
        }
        return new GraphProfile(1, "d0", 5, MachineSpeed.UNKNOWN, List.of(), costs);
    }

    private TilePlan plan(GraphProfile profile, Devices devices, PlanOptions options) {
        return TilePlanner.plan(graph, IMAGES, profile, devices, options);
    }

    /** A tile for each device needs no second forward pass. */
    @Test
    void aTileForEachDevice() {
        TilePlan plan = plan(profile(10, 0), devices(2, Long.MAX_VALUE), OPTIONS);
        assertThat(plan.tiling().grid()).isEqualTo(new TileGrid(1, 2));
        assertThat(plan.tiling().first()).contains("0");
        assertThat(plan.tiling().last()).contains("9");
        assertThat(plan.exchangeMillis()).isZero();
        assertThat(plan.stepMillis()).isBetween(150.0 + 60, 180.0 + 60); // halves with halos, and the two others whole
        assertThat(plan.explain()).contains("grid 1x2", "from '0' to '9'", "Predicted step");
    }

    /** Halos of an image have few channels, those of later maps have many: on slow links maps are cut less. */
    @Test
    void slowLinksMakeFewGroups() {
        GraphBuilder builder = TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(64, 64, 3));
        String before = "in";
        for (int i = 0; i < 3; i++) {
            builder.addLayer("conv" + i, TestGraphs.convolution(64), before)
                    .addLayer("pool" + i, TestGraphs.maxPool(), "conv" + i);
            before = "pool" + i;
        }
        ComputationGraph wide = TestGraphs.graph(builder.addLayer("output", TestGraphs.softmax(4), before)
                .setOutputs("output")
                .build());
        GraphProfile profile = profile(wide, 10, 0);
        Devices four = devices(4, Long.MAX_VALUE);
        TilePlan fast = TilePlanner.plan(wide, IMAGES, profile, four, OPTIONS);
        TilePlan slow = TilePlanner.plan(wide, IMAGES, profile, four, OPTIONS.withBytesPerSecond(1e6));
        assertThat(fast.tiling().cuts()).containsExactlyInAnyOrder("pool0", "pool1");
        assertThat(slow.tiling().cuts()).hasSizeLessThan(2);
        assertThat(fast.cost().repeated()).isLessThan(slow.cost().repeated());
        assertThat(fast.exchangeMillis()).isZero();
        assertThat(slow.exchangeMillis()).isPositive();
    }

    @Test
    void littleMemoryMakesSmallTiles() {
        GraphProfile profile = profile(10, 0.1);
        TilePlan roomy = plan(profile, devices(2, Long.MAX_VALUE), OPTIONS);
        TilePlan tight = plan(profile, devices(2, roomy.deviceBytes() * 3 / 4), OPTIONS);
        assertThat(tight.deviceBytes()).isLessThanOrEqualTo(roomy.deviceBytes() * 3 / 4);
        assertThat(tight.tiling().grid().tiles()).isGreaterThan(2);
        assertThat(tight.stepMillis()).isGreaterThan(roomy.stepMillis());
        assertThatThrownBy(() -> plan(profile, devices(2, 1000), OPTIONS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("No tiling fits into memory")
                .hasMessageContaining("on a device of 0.0 MB");
    }

    /** Where all cost is for each tile, tiles end early: 10 vertices run once, 2 in two tiles and forward twice. */
    @Test
    void theFixedCostOfATileCounts() {
        TilePlan plan = plan(profile(10, 10), devices(1, Long.MAX_VALUE), OPTIONS);
        assertThat(plan.tiling().last()).contains("1");
        assertThat(plan.tiling().grid().tiles()).isEqualTo(2);
        assertThat(plan.stepMillis()).isCloseTo(10 * 30 + 2 * 2 * 40, within(1e-6));
    }

    @Test
    void refusesWhatCannotBeTiled() {
        ComputationGraph dense = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.feedForward(4))
                .addLayer("output", TestGraphs.softmax(3), "in")
                .setOutputs("output")
                .build());
        assertThatThrownBy(() -> TilePlanner.plan(dense, IMAGES, profile(1, 0), devices(1, 1), OPTIONS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'output'");
    }
}
