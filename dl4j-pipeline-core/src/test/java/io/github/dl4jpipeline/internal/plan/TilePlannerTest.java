package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TileableVertices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.tile.TileGrid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
                    new PassTimes(input ? 0 : millis, input ? 0 : fixed, input ? 0 : millis),
                    new PassTimes(input ? 0 : 2 * millis, input ? 0 : 2 * fixed, input ? 0 : 2 * millis),
                    new VertexBytes(4 * 64 * 64 * 8, 100, 100, 100)));
        }
        MicroBatch image =
                MicroBatch.whole(new INDArray[] {Nd4j.create(DataType.FLOAT, IMAGES)}, new INDArray[0], null, null);
        return new GraphProfile(1, "d0", 5, MachineSpeed.UNKNOWN, Map.of(), costs, TileableVertices.of(graph, image));
    }

    private TilePlan plan(GraphProfile profile, Devices devices, PlanOptions options) {
        return TilePlanner.plan(profile, devices, options);
    }

    /** A tile for each device needs no second forward pass. */
    @Test
    void aTileForEachDevice() {
        TilePlan plan = plan(profile(10, 0), devices(2, Long.MAX_VALUE), OPTIONS);
        assertThat(plan.tiling().grid()).isEqualTo(new TileGrid(2, 1));
        assertThat(plan.tiling().first()).isEqualTo("0");
        assertThat(plan.tiling().last()).isEqualTo("9");
        assertThat(plan.exchangeMillis()).isZero();
        assertThat(plan.stepMillis()).isBetween(150.0 + 60, 180.0 + 60); // halves with halos, and the two others whole
        assertThat(plan.explain()).contains("grid 2x1", "from '0' to '9'", "Predicted step");
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
        TilePlan fast = TilePlanner.plan(profile, four, OPTIONS);
        TilePlan slow = TilePlanner.plan(profile, four, OPTIONS.withBytesPerSecond(1e6));
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
        assertThat(plan.tiling().last()).isEqualTo("1");
        assertThat(plan.tiling().grid().tiles()).isEqualTo(2);
        assertThat(plan.stepMillis()).isCloseTo(10 * 30 + 2 * 2 * 40, within(1e-6));
    }

    /** Where no plan without tiles fits, the planner takes tiles, in micro-batches if need be. */
    @Test
    void thePlannerTakesTilesWhereNothingElseFits() {
        GraphProfile profile = profile(10, 0.1);
        long untiled = Planner.plan(profile, devices(1, Long.MAX_VALUE), OPTIONS.withRecompute(Optional.of(false)))
                .stages()
                .get(0)
                .memoryBytes();
        long tiled = untiled / 2;
        PlanOptions oneStage = OPTIONS.withStages(1);
        assertThat(Planner.plan(profile, devices(1, untiled), oneStage).tiling())
                .isEmpty();
        PartitionPlan plan = Planner.plan(profile, devices(1, tiled), oneStage);
        assertThat(plan.kind()).hasToString("tiles");
        assertThat(plan.tiling().orElseThrow().first()).isEqualTo("0");
        assertThat(plan.stages().get(0).memoryBytes()).isLessThanOrEqualTo(tiled);
        assertThat(plan.stages().get(0).vertices()).hasSize(profile.vertices().size());
        assertThat(plan.microBatches()).isEqualTo(1);
        assertThat(plan.explain()).contains("Tiles: grid", "Verdict: tiles");

        PartitionPlan split = Planner.plan(profile, devices(1, 2 * tiled), oneStage.withExamples(16));
        assertThat(split.tiling()).isPresent();
        assertThat(split.microBatches()).isGreaterThan(1);
        assertThat(split.stages().get(0).memoryBytes()).isLessThanOrEqualTo(2 * tiled);

        Devices tiny = devices(2, 1000);
        assertThatThrownBy(() -> Planner.plan(profile, tiny, OPTIONS)).hasMessageContaining("No plan fits into memory");
        PlanOptions soon = oneStage.withDeadline(Duration.ofMillis(1));
        assertThatThrownBy(() -> Planner.plan(profile, devices(1, tiled), soon))
                .hasMessageContaining("No plan meets the deadline");
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
        assertThatThrownBy(() -> TilePlanner.plan(profile(dense, 1, 0), devices(1, 1), OPTIONS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no vertices that can be run in tiles");
    }
}
