package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Fault;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.fixture.WorkerFault;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.SameGradient.Compared;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.report.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** The first step of a plan, compared with plain Deeplearning4j's. */
@Timeout(120)
class VerificationTest {
    private static final UnaryOperator<PipelineBuilder> VERIFIED = PipelineBuilder::verifyFirstStep;

    private final Fault fault = new Fault();
    private final List<MultiDataSet> values =
            TestData.several(3, seed -> TestData.classification(DataType.FLOAT, seed, 11, 3, 6));

    @AfterEach
    void noFault() {
        fault.close();
    }

    static ComputationGraph withFault(Fault fault) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .updater(new Adam(0.01))
                .graphBuilder()
                .addInputs("values")
                .addLayer(
                        "dense1",
                        new org.deeplearning4j.nn.conf.layers.DenseLayer.Builder()
                                .nIn(6)
                                .nOut(8)
                                .activation(fault.activation())
                                .build(),
                        "values")
                .addLayer("dense2", TestGraphs.dense(8, 7), "dense1")
                .addLayer("output", TestGraphs.softmax(7, 3), "dense2")
                .setOutputs("output")
                .build());
        graph.fit(TestData.classification(DataType.FLOAT, 9, 11, 3, 6)); // the updater has a state
        return graph;
    }

    /** Trains with and without; asserts that the result is the same bit for bit, and returns what was found. */
    private static Verification verify(
            ComputationGraph start, List<MultiDataSet> batches, UnaryOperator<PipelineBuilder> settings) {
        ComputationGraph without = SameResult.copy(start);
        try (PipelineComputationGraph net =
                settings.apply(PipelineComputationGraph.builder(without)).build()) {
            batches.forEach(net::fit);
            assertThat(net.report().verification()).isEmpty();
        }
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = settings.andThen(VERIFIED)
                .apply(PipelineComputationGraph.builder(graph))
                .build()) {
            batches.forEach(net::fit);
            assertThat(graph.params()).isEqualTo(without.params());
            assertThat(graph.getUpdater().getStateViewArray())
                    .isEqualTo(without.getUpdater().getStateViewArray());
            assertThat(graph.getIterationCount()).isEqualTo(without.getIterationCount());
            assertThat(graph.score()).isEqualTo(without.score());
            Verification found = net.report().verification().orElseThrow();
            assertThat(found.isSame()).as(found.toString()).isTrue();
            assertThat(net.report().toString()).contains("first step verified: gradients of " + found.arrays());
            return found;
        }
    }

    @ParameterizedTest
    @EnumSource(Network.class)
    void everyNetwork(Network network) {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            ComputationGraph start = network.graph(type);
            List<MultiDataSet> batches = network.batches(type, 2);
            Verification found = verify(start, batches, builder -> builder.plan(SameResult.evenPlan(start, 2, 3)));
            assertThat(found.gradient().arrays())
                    .extracting(Compared::name)
                    .containsExactlyElementsOf(SameResult.gradient(SameResult.copy(start), batches.get(0))
                            .keySet());
        }
    }

    @Test
    void joinedBatchNormalizationWithItsRunningStatistics() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.FLOAT, true));
        Verification found = verify(
                start,
                TestData.several(2, seed -> TestData.classification(DataType.FLOAT, seed, 11, 4, 3, 8, 8)),
                builder -> builder.plan(SameResult.evenPlan(start, List.of(2, 2), 2)));
        assertThat(found.gradient().arrays())
                .extracting(Compared::name)
                .contains("aNorm_mean", "aNorm_log10stdev", "aNorm_gamma");
    }

    /** Deeplearning4j's gradient also has arrays for locked gamma and beta, with nothing in them, and none for frozen layers. */
    @Test
    void lockedNormalizationAndFrozenLayers() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("values")
                .addLayer("frozen", new FrozenLayer(TestGraphs.dense(6, 8)), "values")
                .addLayer("passed", new FrozenLayerWithBackprop(TestGraphs.dense(8, 8)), "frozen")
                .addLayer("dense", TestGraphs.dense(8, 7), "passed")
                .addLayer(
                        "norm",
                        new BatchNormalization.Builder()
                                .nIn(7)
                                .nOut(7)
                                .lockGammaBeta(true)
                                .build(),
                        "dense")
                .addLayer("output", TestGraphs.softmax(7, 3), "norm")
                .setOutputs("output")
                .build());
        Verification found = verify(start, values, builder -> builder.plan(SameResult.evenPlan(start, 2, 1)));
        assertThat(found.gradient().arrays())
                .extracting(Compared::name)
                .contains("dense_W", "norm_mean")
                .doesNotContain("norm_gamma", "frozen_W");
    }

    @Test
    void tiles() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.yolo(DataType.FLOAT, 20));
        verify(
                start,
                TestData.several(2, seed -> TestData.classification(DataType.FLOAT, seed, 4, 4, 3, 20, 20)),
                builder -> builder.devices(Devices.cpu(2))
                        .microBatches(2)
                        .tiling(FusedTiling.grid(2, 3).from("0").to("9").cutAfter("3")));
    }

    /** Noise is on, and the same in both. */
    @Test
    void dropoutAndWeightNoise() {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            ComputationGraph start = TestGraphs.graph(TestGraphs.dense(type, settings -> settings.dropOut(
                            type == DataType.FLOAT ? new Dropout(0.6) : new AlphaDropout(0.6))
                    .weightNoise(new DropConnect(0.7))));
            List<MultiDataSet> batches = TestData.several(2, seed -> TestData.classification(type, seed, 11, 3, 6));
            verify(start, batches, builder -> builder.plan(SameResult.evenPlan(start, 2, 3)));
        }
    }

    @Test
    void aMultiLayerNetwork() {
        MultiLayerConfiguration configuration = TestGraphs.settings(DataType.FLOAT)
                .list()
                .layer(TestGraphs.dense(6, 8))
                .layer(TestGraphs.softmax(8, 3))
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(network)
                .stages(2)
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.fit(values.get(0));
            assertThat(net.report().verification().orElseThrow().arrays()).isEqualTo(4);
        }
    }

    @Test
    void aDifferenceStopsTrainingAndChangesNothing() {
        ComputationGraph graph = withFault(fault);
        ComputationGraph expected = SameResult.plain(graph, values.subList(0, 1));
        INDArray parameters = graph.params().dup();
        INDArray state = graph.getUpdater().getStateViewArray().dup();
        List<String> calls = new ArrayList<>();
        fault.set(1.01);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.setListeners(new Calls(calls));
            for (int fit = 0; fit < 2; fit++) {
                DifferentResultException failure =
                        catchThrowableOfType(DifferentResultException.class, () -> net.fit(values.get(0)));
                assertThat(failure)
                        .hasMessageContaining("2 of 7 values")
                        .hasMessageContaining("'dense1_W' differs by ")
                        .hasMessageContaining("'dense1_b' differs by ")
                        .hasMessageContaining("from that in double, bound ")
                        .hasMessageContaining("(DenseLayer)")
                        .hasMessageContaining("nothing has been changed")
                        .hasMessageContaining("kernels(Kernels.STOCK)");
                assertThat(failure.verification().different())
                        .extracting(Compared::name)
                        .containsExactlyInAnyOrder("dense1_W", "dense1_b");
                assertThat(graph.params()).isEqualTo(parameters);
                assertThat(graph.getUpdater().getStateViewArray()).isEqualTo(state);
                assertThat(net.getIterationCount()).isEqualTo(1);
                assertThat(graph.getIterationCount()).isEqualTo(1);
                assertThat(net.report().verification()).isEmpty();
                assertThat(net.report().steps()).isZero();
            }
            assertThat(calls).isEmpty();

            fault.set(1);
            net.fit(values.get(0));
            assertThat(calls).containsExactly("backward", "gradient", "done 1");
            assertThat(net.report().verification()).isPresent();
            SameResult.assertSame(net, expected, 2e-5);
        }
    }

    @Test
    void onlyTheFirstStepIsCompared() {
        ComputationGraph graph = withFault(fault);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.fit(values.get(0));
            fault.set(1.01);
            net.fit(values.get(1));
            assertThat(net.getIterationCount()).isEqualTo(3);
        }
    }

    /** Also plans that are only tried. */
    @Test
    void theFirstStepOfEveryPlanIsCompared() {
        ComputationGraph graph = withFault(fault);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(graph, 11, new MachineSpeed(2, 0, 1.6, 1, 0)))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.replaceMeasurements(measured -> new StepMeasurement(100, measured.busyMillis()));
            net.fit(values.get(0));
            PartitionPlan first = net.plan();
            fault.set(1.01);
            assertThatThrownBy(() -> {
                        for (int step = 0; step < 50; step++) {
                            net.fit(values.get(0));
                        }
                    })
                    .isInstanceOf(DifferentResultException.class);
            assertThat(net.plan().runsLike(first)).isFalse();
            assertThat(net.getIterationCount()).isGreaterThan(2);
            fault.set(1);
            net.fit(values.get(0));
            assertThat(net.report().verification()).isPresent();
        }
    }

    @Test
    void randomNumbersAndThreadsOfTheCallerAreAsBefore() {
        ComputationGraph start =
                TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings.dropOut(new Dropout(0.6))));
        Nd4j.getRandom().setSeed(5);
        INDArray expected = Nd4j.rand(DataType.FLOAT, 4);
        Nd4j.getRandom().setSeed(5);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.fit(values.get(0));
            assertThat(Thread.getAllStackTraces().keySet())
                    .noneMatch(thread -> thread.getName().equals("pipeline-verification"));
        }
        assertThat(Nd4j.rand(DataType.FLOAT, 4)).isEqualTo(expected);
    }

    @Test
    void anInterruptIsKept() {
        ComputationGraph graph = withFault(fault);
        Thread caller = Thread.currentThread();
        fault.elsewhere(type -> caller.interrupt());
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            net.fit(values.get(0));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(net.getIterationCount()).isEqualTo(2);
        }
    }

    @Test
    void plainDeeplearning4jMayFail() {
        ComputationGraph graph = withFault(fault);
        INDArray parameters = graph.params().dup();
        fault.elsewhere(type -> {
            throw new IllegalArgumentException("too large");
        });
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            assertThatThrownBy(() -> net.fit(values.get(0)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("train without verifyFirstStep()")
                    .hasMessageContaining("too large");
            assertThat(graph.params()).isEqualTo(parameters);
            assertThat(net.getIterationCount()).isEqualTo(1);
        }
    }

    @Test
    void aGraphThatDoesNotRunInDoubleIsHeldToTheBoundForFloat() {
        ComputationGraph graph = withFault(fault);
        fault.set(1.01);
        fault.elsewhere(type -> {
            if (type == DataType.DOUBLE) {
                throw new IllegalArgumentException("float only");
            }
        });
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep()
                .build()) {
            assertThatThrownBy(() -> net.fit(values.get(0)))
                    .isInstanceOf(DifferentResultException.class)
                    .hasMessageContaining("Not compared with double, since the graph does not run in double")
                    .hasMessageContaining("float only")
                    .hasMessageNotContaining("from that in double");
        }
    }

    @Test
    void whatCannotBeComparedIsRefused() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.FLOAT, true));
        PipelineBuilder builder = PipelineComputationGraph.builder(graph)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .exampleIndependent(WorkerFault.class)
                .verifyFirstStep();
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("verifyFirstStep()")
                .hasMessageContaining("PER_MICRO_BATCH");
        ComputationGraph half = TestGraphs.graph(TestGraphs.dense(DataType.FLOAT16, settings -> settings));
        PipelineBuilder ofHalf = PipelineComputationGraph.builder(half).verifyFirstStep();
        assertThatThrownBy(ofHalf::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("verifyFirstStep()")
                .hasMessageContaining("HALF");
    }

    private static final class Calls extends BaseTrainingListener {
        private final List<String> calls;

        Calls(List<String> calls) {
            this.calls = calls;
        }

        @Override
        public void onBackwardPass(Model model) {
            calls.add("backward");
        }

        @Override
        public void onGradientCalculation(Model model) {
            calls.add("gradient");
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            calls.add("done " + iteration);
        }
    }
}
