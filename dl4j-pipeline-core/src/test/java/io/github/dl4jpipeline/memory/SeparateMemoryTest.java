package io.github.dl4jpipeline.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** Stages on devices with their own memory: the same result as plain fit, and no array on the wrong device. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryTest {
    private static final double TOLERANCE = 1e-10;

    @Test
    void anOperationOnAnArrayOfAnotherDeviceFails() {
        Devices devices = SeparateMemoryRuntime.devices(2, OnSeparateMemory.PLENTY);
        SeparateMemoryRuntime runtime = new SeparateMemoryRuntime();
        var first = runtime.on(devices.get(0), () -> Nd4j.ones(DataType.FLOAT, 50, 50));
        assertThatThrownBy(() -> runtime.on(devices.get(1), () -> first.add(1)))
                .hasStackTraceContaining("on device-1 touches an array of 10000 bytes on device-0");
        assertThatThrownBy(() -> runtime.on(devices.get(1), () -> {
                    var second = Nd4j.ones(DataType.FLOAT, 50, 50);
                    return Nd4j.gemm(second, first, false, false);
                }))
                .hasStackTraceContaining("on device-0");
        assertThat(runtime.on(devices.get(1), () -> runtime.copyHere(first).sumNumber())
                        .doubleValue())
                .isEqualTo(2500);
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jpipeline.fixture.Network#withKernelsInDouble")
    void parametersAfterThreeSteps(Network network, Kernels kernels) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        List<Schedule> schedules = Network.schedules().toList();
        for (int stages = 2; stages <= 4; stages++) {
            for (int microBatches : new int[] {1, 3}) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(OnSeparateMemory.moved(SameResult.evenPlan(graph, stages, microBatches)))
                        .schedule(schedules.get(stages - 2))
                        .kernels(kernels)
                        .build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, TOLERANCE);
                }
                SameResult.assertSame(graph, expected, TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jpipeline.fixture.Network#withKernels")
    void gradientInFloat(Network network, Kernels kernels) {
        ComputationGraph graph = network.graph(DataType.FLOAT);
        MultiDataSet batch = network.batches(DataType.FLOAT, 1).get(0);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        for (int stages = 2; stages <= 4; stages++) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(OnSeparateMemory.moved(SameResult.evenPlan(graph, stages, 3)))
                    .kernels(kernels)
                    .build()) {
                SameResult.assertSame(SameResult.gradient(net, batch), expected, 2e-5);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 2", "2, 1", "2, 2", "1, 3"})
    void replicas(int ofFirst, int ofSecond) {
        ComputationGraph start =
                TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE, settings -> settings.updater(new Adam(0.01))));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.plain(start, batches);
        PartitionPlan plan = OnSeparateMemory.moved(SameResult.evenPlan(start, List.of(ofFirst, ofSecond), 4));
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).plan(plan).build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    /** Also stages that share devices in turn, and that compute their activations again. */
    @ParameterizedTest
    @EnumSource(Network.class)
    void anyAssignmentOfVerticesToStages(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 2);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int seed = 0; seed < 4; seed++) {
            PartitionPlan plan = OnSeparateMemory.moved(SameResult.randomPlan(start, 2 + seed % 3, 3, seed));
            for (PartitionPlan variant :
                    List.of(plan, SameResult.recomputing(plan), OnSeparateMemory.moved(SameResult.inTurn(plan, 2)))) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net =
                        PipelineComputationGraph.builder(graph).plan(variant).build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, TOLERANCE);
                }
            }
        }
    }

    @Test
    void batchesOfChangingSize() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = Stream.of(16, 5, 1, 16, 2)
                .map(examples ->
                        (MultiDataSet) TestData.classification(DataType.DOUBLE, examples, examples, 4, 1, 14, 14))
                .toList();
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 4)))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void batchNormalizationOverTheWholeBatch() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8));
        ComputationGraph expected = SameResult.plain(start, batches);
        PipelineBuilder split = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, List.of(2, 2), 2)));
        assertThatThrownBy(split::build).hasMessageContaining("use a plan with 1 micro-batch");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 1)))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void batchNormalizationPerMicroBatchAndDropoutAreThoseOfOtherDevices() {
        ComputationGraph normalized = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        ComputationGraph noisy = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE, settings -> settings.dropOut(0.7)));
        List<MultiDataSet> images =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8));
        List<MultiDataSet> digits =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        for (List<Integer> replicas : List.of(List.of(1, 1, 1), List.of(2, 1), List.of(1, 3))) {
            assertLikeOtherDevices(normalized, images, replicas);
            assertLikeOtherDevices(noisy, digits, replicas);
        }
    }

    private static void assertLikeOtherDevices(
            ComputationGraph start, List<MultiDataSet> batches, List<Integer> replicas) {
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(expected)
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(expected, 11))
                .stages(1)
                .replicas(1)
                .microBatches(3)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build()) {
            batches.forEach(net::fit);
        }
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(graph, replicas, 3)))
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build()) {
            batches.forEach(net::fit);
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), TOLERANCE);
    }

    /** Once for each stage that reads a vertex of another; batches are counted apart. */
    @ParameterizedTest
    @EnumSource(
            value = Network.class,
            names = {"LENET", "RESIDUAL", "TWO_INPUTS_TWO_OUTPUTS"})
    void bytesBetweenStagesAreTheActivationsAndErrorsOfTheCut(Network network) {
        ComputationGraph graph = network.graph(DataType.DOUBLE);
        MultiDataSet batch = network.batches(DataType.DOUBLE, 1).get(0);
        PartitionPlan plan = OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, 3));
        long crossing = crossingBytes(graph, batch, plan);
        assertThat(crossing).isPositive();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plan(plan).build()) {
            for (int step = 1; step <= 2; step++) {
                net.fit(batch);
                assertThat(net.transfers().bytes(Transfers.Kind.ACTIVATION)).isEqualTo(step * crossing);
                assertThat(net.transfers().bytes(Transfers.Kind.ERROR)).isEqualTo(step * crossing);
            }
        }
    }

    private static long crossingBytes(ComputationGraph graph, MultiDataSet batch, PartitionPlan plan) {
        VertexGraph vertices = VertexGraph.of(graph);
        Map<String, Integer> stageOf = new HashMap<>();
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            for (String name : plan.stages().get(stage).vertices()) {
                stageOf.put(name, stage);
            }
        }
        var activations = graph.feedForward(batch.getFeatures(), false, true);
        long crossing = 0;
        for (Vertex vertex : vertices.vertices()) {
            if (vertex.role() != Vertex.Role.INPUT) {
                long readers = vertices.consumers(vertex.position()).stream()
                        .map(reader -> stageOf.get(vertices.get(reader).name()))
                        .filter(stage -> !stage.equals(stageOf.get(vertex.name())))
                        .distinct()
                        .count();
                crossing += readers * 8 * activations.get(vertex.name()).length();
            }
        }
        return crossing;
    }

    @Test
    void inputsAreCopiedOnce() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, 3)))
                .build()) {
            net.fit(batch);
            assertThat(net.transfers().bytes(Transfers.Kind.INPUT))
                    .isEqualTo(8L
                            * (batch.getFeatures(0).length()
                                    + batch.getLabels(0).length()));
        }
    }

    @Test
    void aFailedStepChangesNothingAndTheNextOneWorks() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet good = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        MultiDataSet bad = TestData.classification(DataType.DOUBLE, 1, 11, 3, 1, 14, 14);
        ComputationGraph expected = SameResult.plain(start, List.of(good, good));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 2, 3)))
                .build()) {
            net.fit(good);
            assertThatThrownBy(() -> net.fit(bad)).hasMessageContaining("device-1");
            net.fit(good);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }
}
