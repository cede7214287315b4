package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.PipelineReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import net.openhft.affinity.Affinity;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 across changes of the plan while training runs. */
class ReplanTest {
    private static final double TOLERANCE = 1e-10;
    private static final int STEPS = 40;
    private static final Devices TWO = Devices.cpu(2);

    /** As if {@code cpu-1} were {@code factor} times slower than predicted, and all else as predicted. */
    private static StepMeasurement withSlowSecondDevice(PartitionPlan plan, double factor) {
        List<Double> busy = new ArrayList<>();
        for (Stage stage : plan.stages()) {
            for (int replica = 0; replica < stage.replicas(); replica++) {
                int microBatches = (plan.microBatches() - replica + stage.replicas() - 1) / stage.replicas();
                boolean slow = stage.devices().get(replica).id().equals("cpu-1");
                busy.add((stage.forwardMillis() + stage.backwardMillis()) * microBatches * (slow ? factor : 1));
            }
        }
        double[] millis = busy.stream().mapToDouble(Double::doubleValue).toArray();
        return new StepMeasurement(Arrays.stream(millis).max().orElseThrow(), millis);
    }

    private static List<MultiDataSet> batches(Network network) {
        return repeated(network.batches(DataType.DOUBLE, 3), STEPS);
    }

    private static int examples(List<MultiDataSet> batches) {
        return (int) batches.get(0).getFeatures(0).size(0);
    }

    static List<MultiDataSet> repeated(List<MultiDataSet> batches, int steps) {
        return IntStream.range(0, steps)
                .mapToObj(i -> batches.get(i % batches.size()))
                .toList();
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void theSameResultWhenADeviceBecomesSlow(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = batches(network);
        ComputationGraph expected = SameResult.plain(start, batches);
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(TWO)
                .profile(SameResult.evenProfile(start, examples(batches)))
                .stages(2)
                .replicas(1)
                .microBatches(3)
                .build()) {
            PartitionPlan before = net.plan();
            net.replaceMeasurements(measured -> withSlowSecondDevice(net.plan(), 6));
            batches.forEach(net::fit);
            PipelineReport report = net.report();
            assertThat(report.changes()).isNotEmpty();
            assertThat(layersOnSecondDevice(report.changes().get(0).plan(), graph))
                    .isLessThan(layersOnSecondDevice(before, graph));
            assertThat(report.steps()).isLessThan(STEPS);
            assertThat(report.toString()).contains("new plan after step");
            SameResult.assertSame(net, expected, TOLERANCE);
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), TOLERANCE);
    }

    private static long layersOnSecondDevice(PartitionPlan plan, ComputationGraph graph) {
        return plan.stages().stream()
                .filter(stage -> stage.device().id().equals("cpu-1"))
                .flatMap(stage -> stage.vertices().stream())
                .filter(vertex -> !graph.getConfiguration().getNetworkInputs().contains(vertex))
                .count();
    }

    @Test
    void theSameResultWhenReplicasLeaveWithTheirBatchNormStatistics() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches = repeated(
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8)), STEPS);
        ComputationGraph expected = SameResult.plain(start, batches);
        assertWorkLeavesASlowDevice(start, batches, expected);
    }

    @Test
    void theSameNoiseOnAnotherPlan() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, s -> s.dropOut(0.6)));
        List<MultiDataSet> batches = repeated(
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)),
                3 * STEPS); // plans are tried first
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(expected)
                .plan(SameResult.evenPlan(start, 1, 1))
                .build()) {
            batches.forEach(net::fit);
        }
        assertWorkLeavesASlowDevice(start, batches, expected);
    }

    @Test
    void aKeptPlanStaysWhenADeviceBecomesSlow() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = batches(Network.LENET);
        GraphProfile profile = SameResult.evenProfile(start, examples(batches));
        ComputationGraph graph = SameResult.copy(start);
        PartitionPlan kept;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(TWO)
                .profile(profile)
                .build()) {
            net.replaceMeasurements(measured -> withSlowSecondDevice(net.plan(), 6));
            net.fit(batches.get(0));
            kept = net.keepPlan();
            batches.forEach(net::fit);
            assertThat(net.plan()).isEqualTo(kept);
            assertThat(net.keepPlan()).isEqualTo(kept);
            assertThat(net.profile()).contains(profile);
            assertThat(net.report().changes()).isEmpty();
        }
        ComputationGraph again = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(again)
                .profile(profile)
                .plan(PartitionPlan.fromJson(kept.toJson()))
                .build()) {
            net.fit(batches.get(0));
            batches.forEach(net::fit);
        }
        assertThat(again.params()).isEqualTo(graph.params());
    }

    @Test
    void thereIsNoPlanToKeepBeforeTheFirstFit() {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(
                        TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE)))
                .build()) {
            assertThatThrownBy(net::keepPlan)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("There is no plan yet");
            assertThat(net.profile()).isEmpty();
        }
    }

    private static void assertWorkLeavesASlowDevice(
            ComputationGraph start, List<MultiDataSet> batches, ComputationGraph expected) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .devices(TWO)
                .profile(SameResult.evenProfile(start, examples(batches)))
                .build()) {
            assertThat(net.plan().workers()).isEqualTo(2);
            net.replaceMeasurements(measured -> withSlowSecondDevice(net.plan(), 30));
            batches.forEach(net::fit);
            PartitionPlan without = net.report().changes().get(0).plan();
            assertThat(without.stages().stream().flatMap(stage -> stage.devices().stream()))
                    .noneMatch(device -> device.id().equals("cpu-1"));
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void theSameResultBesideABusyThread() throws InterruptedException {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = batches(Network.LENET);
        ComputationGraph expected = SameResult.plain(start, batches);
        AtomicBoolean done = new AtomicBoolean();
        Thread busy = new Thread(
                () -> {
                    Affinity.setAffinity(TWO.get(1).cores().get(0));
                    while (!done.get()) {
                        Thread.onSpinWait();
                    }
                },
                "busy");
        busy.start();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).devices(TWO).build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        } finally {
            done.set(true);
            busy.join();
        }
    }

    @Test
    void aGivenPlanStays() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = batches(Network.LENET);
        GraphProfile profile = SameResult.evenProfile(start, examples(batches));
        PartitionPlan plan;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(start))
                .devices(TWO)
                .profile(profile)
                .stages(2)
                .build()) {
            plan = net.plan();
        }
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .devices(TWO)
                .profile(profile)
                .plan(plan)
                .build()) {
            net.replaceMeasurements(measured -> withSlowSecondDevice(plan, 30));
            batches.forEach(net::fit);
            assertThat(net.plan()).isEqualTo(plan);
            assertThat(net.report().changes()).isEmpty();
        }
        assertThatThrownBy(() -> PipelineComputationGraph.builder(SameResult.copy(start))
                        .plan(plan)
                        .deadline(Duration.ofNanos(1))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("latest execution time");
    }
}
