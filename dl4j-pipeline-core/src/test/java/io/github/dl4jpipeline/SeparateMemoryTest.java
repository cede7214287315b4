package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.SameResultTest.Network;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.SeparateMemory;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Stages on devices with their own memory: the same result as plain fit, and no array on the wrong device. */
class SeparateMemoryTest {
    private static final double TOLERANCE = 1e-10;
    private static final long PLENTY = 1L << 33;

    private static SeparateMemory memory;

    @BeforeAll
    static void install() {
        Nd4j.create(1);
        memory = SeparateMemory.install();
    }

    @AfterAll
    static void uninstall() {
        memory.close();
    }

    /** A plan's stages, each replica on a device of its own. */
    static PartitionPlan onDevices(PartitionPlan plan, long bytes) {
        Devices devices = SeparateMemoryRuntime.devices(
                plan.stages().stream().mapToInt(Stage::replicas).sum(), bytes);
        List<Stage> stages = new ArrayList<>();
        int used = 0;
        for (Stage stage : plan.stages()) {
            stages.add(Stage.of(devices.list().subList(used, used + stage.replicas()), stage.vertices()));
            used += stage.replicas();
        }
        return PartitionPlan.of(stages, plan.microBatches());
    }

    @Test
    void anOperationOnAnArrayOfAnotherDeviceFails() {
        Devices devices = SeparateMemoryRuntime.devices(2, PLENTY);
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
    @EnumSource(Network.class)
    void parametersAfterThreeSteps(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 2; stages <= 4; stages++) {
            for (int microBatches : new int[] {1, 3}) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(onDevices(SameResult.evenPlan(graph, stages, microBatches), PLENTY))
                        .build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, TOLERANCE);
                }
                SameResult.assertSame(graph, expected, TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void replicas(int ofFirst) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.plain(start, batches);
        PartitionPlan plan = SameResult.evenPlan(start, List.of(ofFirst, 2), 4);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(onDevices(plan, PLENTY))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void anyAssignmentOfVerticesToStages(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 2);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int seed = 0; seed < 4; seed++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(onDevices(SameResult.randomPlan(graph, 2 + seed % 3, 3, seed), PLENTY))
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, TOLERANCE);
            }
        }
    }

    @Test
    void whatListenersSaveScoreSetAndConstrainIsThatOfPlainFit() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches =
                TestData.several(4, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.copy(start);
        List<Double> sums = new ArrayList<>();
        expected.setListeners(new ParameterSums(sums));
        List<Double> onDevices = new ArrayList<>();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(onDevices(SameResult.evenPlan(start, 3, 3), PLENTY))
                .build()) {
            net.setListeners(new ParameterSums(onDevices));
            for (MultiDataSet batch : batches) {
                expected.fit(batch);
                net.fit(batch);
                expected.setParams(expected.params().mul(0.9));
                net.setParams(net.params().mul(0.9));
            }
            assertThat(net.score(batches.get(0))).isCloseTo(expected.score(batches.get(0)), within(1e-9));
            SameResult.assertSame(net.clone().paramTable(), expected.paramTable(), TOLERANCE);
            start.params().muli(1.1); // between two fits the wrapped graph may be changed
            expected.params().muli(1.1);
            net.fit(batches.get(0));
            expected.fit(batches.get(0));
            SameResult.assertSame(net, expected, TOLERANCE);
        }
        assertThat(onDevices).hasSameSizeAs(sums);
        for (int i = 0; i < sums.size(); i++) {
            assertThat(onDevices.get(i)).isCloseTo(sums.get(i), within(1e-8));
        }
    }

    /** Reads parameters, updater state and gradients after every step. */
    private static final class ParameterSums extends BaseTrainingListener {
        private final List<Double> sums;

        ParameterSums(List<Double> sums) {
            this.sums = sums;
        }

        @Override
        public void onGradientCalculation(Model model) {
            sums.add(model.gradient().gradient().norm2Number().doubleValue());
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            ComputationGraph graph = (ComputationGraph) model;
            sums.add(graph.params().norm2Number().doubleValue());
            INDArray state = graph.getUpdater().getStateViewArray();
            sums.add(state == null ? 0 : state.norm2Number().doubleValue());
        }
    }

    @Test
    void bytesBetweenStagesAreTheActivationsAndErrorsOfTheCut() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        PartitionPlan plan = onDevices(SameResult.evenPlan(graph, 3, 3), PLENTY);
        var activations = graph.feedForward(batch.getFeatures(), false, true);
        long crossing = 0;
        for (Stage stage : plan.stages().subList(0, 2)) {
            String last = stage.vertices().get(stage.vertices().size() - 1); // a chain: one vertex crosses
            crossing += 8 * activations.get(last).length();
        }
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plan(plan).build()) {
            for (int step = 1; step <= 2; step++) {
                net.fit(batch);
                assertThat(net.transfers().bytes(Transfers.Kind.ACTIVATION)).isEqualTo(step * crossing);
                assertThat(net.transfers().bytes(Transfers.Kind.ERROR)).isEqualTo(step * crossing);
                assertThat(net.transfers().bytes(Transfers.Kind.INPUT))
                        .isEqualTo(step
                                * 8L
                                * (batch.getFeatures(0).length()
                                        + batch.getLabels(0).length()));
            }
        }
    }

    @Test
    void aFailedStepChangesNothingAndTheNextOneWorks() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet good = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        MultiDataSet bad = TestData.classification(DataType.DOUBLE, 1, 11, 3, 1, 14, 14);
        ComputationGraph expected = SameResult.plain(start, List.of(good, good));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(onDevices(SameResult.evenPlan(start, 2, 3), PLENTY))
                .build()) {
            net.fit(good);
            assertThatThrownBy(() -> net.fit(bad)).hasMessageContaining("device-1");
            net.fit(good);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }
}
