package io.github.dl4jpipeline.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.SeparateMemory;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** How many bytes stages take on devices with their own memory, and what happens if these have fewer. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemorySizeTest {
    private static final long MEGABYTE = 1_000_000;

    @ParameterizedTest
    @EnumSource(Kernels.class)
    void peakBytesAreThoseOfThePlan(Kernels kernels) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.FLOAT, 2));
        assertPeaks(graph, OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, 2)), kernels, 8);
        assertPeaks(graph, OnSeparateMemory.moved(SameResult.evenPlan(graph, 2, 4)), kernels, 16);
        assertPeaks(graph, OnSeparateMemory.moved(SameResult.evenPlan(graph, 4, 4)), kernels, 16);
        assertPeaks(
                graph, SameResult.recomputing(OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, 4))), kernels, 16);
    }

    /** Of a micro-batch in flight the errors are kept that dense layers' gradients follow from. */
    @Test
    void peakBytesOfSplitBackwardPasses() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.FLOAT, 4));
        assertPeaks(
                graph,
                OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, 6)),
                Schedules.zeroBubble(),
                Kernels.FAST,
                48);
    }

    /** Convolutions in every stage. */
    @ParameterizedTest
    @EnumSource(Kernels.class)
    void peakBytesOfFourStagesOfVgg16(Kernels kernels) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.vgg16(DataType.FLOAT, 4));
        assertPeaks(graph, OnSeparateMemory.moved(SameResult.evenPlan(graph, 4, 4)), kernels, 16);
    }

    private static void assertPeaks(ComputationGraph graph, PartitionPlan plan, Kernels kernels, int examples) {
        assertPeaks(graph, plan, Schedules.oneForwardOneBackward(), kernels, examples);
    }

    private static void assertPeaks(
            ComputationGraph graph, PartitionPlan plan, Schedule schedule, Kernels kernels, int examples) {
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, examples, 10, 3, 32, 32);
        SeparateMemory.resetPeaks();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(plan)
                .schedule(schedule)
                .kernels(kernels)
                .build()) {
            for (int step = 0; step < 3; step++) {
                net.fit(batch);
            }
            for (Stage stage : net.plan().stages()) {
                long peak = SeparateMemory.peakBytes(stage.device());
                assertThat(peak).as(stage.toString()).isCloseTo(stage.memoryBytes(), Percentage.withPercentage(10));
            }
        }
    }

    /** The working memory of convolutions is not predicted, but counted. */
    @Test
    void aPlanThatIsCountedTooLargeIsReplacedByOneThatFits() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.DOUBLE, 4));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 16, 10, 3, 32, 32);
        GraphProfile profile =
                GraphProfiler.profile(start, batch, SeparateMemoryRuntime.devices(1, OnSeparateMemory.PLENTY));
        PartitionPlan predicted;
        PartitionPlan counted;
        try (PipelineComputationGraph net = twoStages(start.clone(), profile, OnSeparateMemory.PLENTY)) {
            predicted = net.plan();
            net.fit(batch);
            counted = net.plan();
        }
        long limit = (most(predicted) + most(counted)) / 2;
        ComputationGraph expected = SameResult.plain(start, List.of(batch));
        try (PipelineComputationGraph net = twoStages(start, profile, limit)) {
            assertThat(net.plan().stages())
                    .map(Stage::vertices)
                    .isEqualTo(predicted.stages().stream().map(Stage::vertices).toList());
            net.fit(batch);
            assertThat(most(net.plan())).isLessThanOrEqualTo(limit);
            SameResult.assertSame(net, expected, 1e-10);
            for (Stage stage : net.plan().stages()) {
                assertThat(stage.device().memoryBytes()).isEqualTo(limit);
            }
        }
    }

    private static PipelineComputationGraph twoStages(ComputationGraph graph, GraphProfile profile, long bytes) {
        return PipelineComputationGraph.builder(graph)
                .devices(SeparateMemoryRuntime.devices(2, bytes))
                .stages(2)
                .replicas(1)
                .microBatches(2)
                .profile(profile)
                .build();
    }

    private static long most(PartitionPlan plan) {
        return plan.stages().stream().mapToLong(Stage::memoryBytes).max().orElseThrow();
    }

    /** 3.7 million parameters; with gradients and momentum 88 MB in double precision. */
    @Test
    void vgg16ThatDoesNotFitOneDeviceTrainsOnThree() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.vgg16(DataType.DOUBLE, 2));
        List<MultiDataSet> batches =
                TestData.several(2, seed -> TestData.classification(DataType.DOUBLE, seed, 3, 10, 3, 32, 32));
        PartitionPlan plan = vgg16Plan(start, SeparateMemoryRuntime.devices(3, 60 * MEGABYTE));
        PartitionPlan onOne =
                PartitionPlan.of(List.of(Stage.of(plan.stages().get(0).device(), all(plan))), plan.microBatches());
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).plan(onOne).build()) {
            assertThatThrownBy(() -> net.fit(batches.get(0)))
                    .isInstanceOf(IllegalArgumentException.class)
                    // All of it, but for a few arrays of earlier tests that the garbage collector may not have freed.
                    .hasMessageMatching("Stage 0 \\(0 to output\\) needs \\d+ bytes on device device-0, but there are"
                            + " (60000000|5999\\d{4}); .*");
        }
        ComputationGraph expected = SameResult.plain(start, batches);
        SeparateMemory.resetPeaks();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).plan(plan).build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
            for (Device device : plan.devices().list()) {
                assertThat(SeparateMemory.peakBytes(device)).isLessThan(60 * MEGABYTE);
            }
        }
    }

    /** Cut so that each stage has about a third of the parameters. */
    private static PartitionPlan vgg16Plan(ComputationGraph graph, Devices devices) {
        List<String> names = VertexGraph.of(graph).names();
        int first = names.indexOf("13");
        int second = names.indexOf("16");
        return PartitionPlan.of(
                List.of(
                        Stage.of(devices.get(0), names.subList(0, first)),
                        Stage.of(devices.get(1), names.subList(first, second)),
                        Stage.of(devices.get(2), names.subList(second, names.size()))),
                2);
    }

    private static List<String> all(PartitionPlan plan) {
        return plan.stages().stream()
                .flatMap(stage -> stage.vertices().stream())
                .toList();
    }

    @Test
    void thePlannerRefusesWhatDoesNotFit() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.FLOAT, 2));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 4, 10, 3, 32, 32);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(SeparateMemoryRuntime.devices(2, 15 * MEGABYTE))
                .build()) {
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("No plan fits into memory")
                    .hasMessageContaining("which has 15.0 MB, for stage");
        }
    }
}
