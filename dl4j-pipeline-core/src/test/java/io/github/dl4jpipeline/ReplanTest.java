package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.SameResultTest.Network;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.StepMeasurement;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.report.PipelineReport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
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

    /** As if the device of the second stage were {@code factor} times slower than predicted, and all else as predicted. */
    private static StepMeasurement slowSecondStage(PartitionPlan plan, double factor) {
        double[] busy = new double[plan.workers()];
        double longest = 0;
        int worker = 0;
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            Stage planned = plan.stages().get(stage);
            for (int replica = 0; replica < planned.replicas(); replica++) {
                int microBatches = (plan.microBatches() - replica + planned.replicas() - 1) / planned.replicas();
                busy[worker] = (planned.forwardMillis() + planned.backwardMillis()) * microBatches;
                busy[worker] *= planned.devices().get(replica).id().equals("cpu-1") ? factor : 1;
                longest = Math.max(longest, busy[worker++]);
            }
        }
        return new StepMeasurement(longest, busy);
    }

    private static List<MultiDataSet> batches(Network network) {
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        return Stream.iterate(0, i -> i + 1)
                .limit(STEPS)
                .map(i -> batches.get(i % 3))
                .toList();
    }

    @ParameterizedTest
    @EnumSource(names = {"LENET", "TWO_INPUTS_TWO_OUTPUTS", "LOSS_LAYER"})
    void theSameResultWhenADeviceBecomesSlow(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = batches(network);
        ComputationGraph expected = SameResult.plain(start, batches);
        GraphProfile profile = GraphProfiler.profile(SameResult.copy(start), batches.get(0), TWO);
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(TWO)
                .profile(profile)
                .stages(2)
                .replicas(1)
                .microBatches(3)
                .build()) {
            net.replaceMeasurements(measured -> slowSecondStage(net.plan(), 3));
            List<String> before = net.plan().stages().get(1).vertices();
            batches.forEach(net::fit);
            PipelineReport report = net.report();
            // Of small networks one vertex may be most of the work; then there is nothing to move.
            if (!report.changes().isEmpty()) {
                assertThat(report.changes().get(0).plan().stages().get(1).vertices())
                        .isNotEqualTo(before);
                assertThat(report.steps()).isLessThan(STEPS);
                assertThat(report.toString()).contains("new plan after step");
            }
            SameResult.assertSame(net, expected, TOLERANCE);
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), TOLERANCE);
    }

    @Test
    void workLeavesASlowDevice() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches = batches(Network.LENET);
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).devices(TWO).build()) {
            net.fit(batches.get(0));
            net.replaceMeasurements(measured -> slowSecondStage(net.plan(), 30));
            batches.subList(1, STEPS).forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
            PartitionPlan without = net.report().changes().get(0).plan();
            assertThat(without.stages().stream().flatMap(stage -> stage.devices().stream()))
                    .noneMatch(device -> device.id().equals("cpu-1"));
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
        GraphProfile profile = GraphProfiler.profile(SameResult.copy(start), batches.get(0), TWO);
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
            net.replaceMeasurements(measured -> slowSecondStage(plan, 30));
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
