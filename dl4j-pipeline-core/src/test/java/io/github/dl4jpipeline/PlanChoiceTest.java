package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.report.PipelineReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 while plans take turns in the first steps, and what is said about it. */
class PlanChoiceTest {
    private static final double TOLERANCE = 1e-10;
    private static final Devices TWO = Devices.cpu(2);
    private static final MachineSpeed MACHINE = new MachineSpeed(2, 0, 1.6, 1, 0);
    private static final String SLOWER_THAN_PREDICTED = "data parallel";
    private static final String FASTEST = "one device with 2 threads";

    /** Enough for 4 plans and a few steps with the one that stays. */
    private static final int STEPS = 110;

    private static PipelineBuilder builder(ComputationGraph graph, List<MultiDataSet> batches) {
        return PipelineComputationGraph.builder(graph)
                .devices(TWO)
                .profile(SameResult.evenProfile(
                        graph, (int) batches.get(0).getFeatures(0).size(0), MACHINE));
    }

    /** Made-up times, so near to each other that no plan drops out. */
    private static void makeUpTimes(PipelineComputationGraph net) {
        net.replaceMeasurements(measured -> {
            double[] busy = measured.busyMillis().clone();
            Arrays.fill(busy, 100); // no device drifts
            return new StepMeasurement(net.plan().kind().toString().equals(FASTEST) ? 100 : 105, busy);
        });
    }

    /** Trains, and returns the kinds of the plans that steps were run with, in order. */
    private static Set<String> fit(PipelineComputationGraph net, List<MultiDataSet> batches) {
        Set<String> kinds = new LinkedHashSet<>();
        for (MultiDataSet batch : batches) {
            net.fit(batch);
            kinds.add(net.report().plan().kind().toString());
        }
        return kinds;
    }

    private static List<MultiDataSet> images(int examples) {
        return TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, examples, 4, 3, 8, 8));
    }

    private static void assertFastestStays(
            ComputationGraph start, List<MultiDataSet> batches, ComputationGraph expected) {
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = builder(graph, batches).build()) {
            assertThat(net.plan().kind()).hasToString(SLOWER_THAN_PREDICTED);
            assertThat(net.report().settled()).isFalse();
            makeUpTimes(net);
            Set<String> kinds = fit(net, batches);
            PipelineReport report = net.report();
            assertThat(report.settled()).isTrue();
            assertThat(report.measured())
                    .extracting(tried -> tried.plan().kind().toString())
                    .containsExactlyInAnyOrderElementsOf(kinds);
            assertThat(report.measured().get(0).plan().kind()).hasToString(FASTEST);
            assertThat(kinds).startsWith(SLOWER_THAN_PREDICTED).contains(FASTEST);
            assertThat(report.changes()).isEmpty();
            assertThat(report.toString()).contains("tried  ", FASTEST, SLOWER_THAN_PREDICTED, " 100.0 ");
            assertThat(net.plan().kind()).hasToString(FASTEST);
            assertThat(net.plan().explain())
                    .contains("Chosen by measured steps: one device with 2 threads 100.0 ms", "data parallel 105.0 ms");
            SameResult.assertSame(net, expected, TOLERANCE);
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), TOLERANCE);
    }

    @ParameterizedTest
    @EnumSource(
            value = Network.class,
            names = {"LENET", "TWO_INPUTS_TWO_OUTPUTS", "LSTM"})
    void theSameResultWhilePlansTakeTurns(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = ReplanTest.repeated(network.batches(DataType.DOUBLE, 3), STEPS);
        assertFastestStays(start, batches, SameResult.plain(start, batches));
    }

    @Test
    void theSameResultWithBatchNorm() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches = ReplanTest.repeated(images(11), STEPS);
        assertFastestStays(start, batches, SameResult.plain(start, batches));
    }

    @Test
    void theSameNoise() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, s -> s.dropOut(0.6)));
        List<MultiDataSet> batches = ReplanTest.repeated(
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)), STEPS);
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(expected)
                .plan(SameResult.evenPlan(start, 1, 1))
                .build()) {
            batches.forEach(net::fit);
        }
        assertFastestStays(start, batches, expected);
    }

    @Test
    void aTrialGoesOnInTheNextFit() {
        ComputationGraph start = Network.LENET.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = ReplanTest.repeated(Network.LENET.batches(DataType.DOUBLE, 3), 13);
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = builder(start, batches).build()) {
            makeUpTimes(net);
            for (int fit = 0; fit < STEPS / 13 + 1; fit++) {
                expected.fit(new IteratorMultiDataSetIterator(batches.iterator(), 11));
                net.fit(new IteratorMultiDataSetIterator(batches.iterator(), 11));
                assertThat(net.report().settled())
                        .isEqualTo(net.plan().explain().contains("Chosen by measured"));
                SameResult.assertSame(net, expected, TOLERANCE);
            }
            assertThat(net.report().settled()).isTrue();
        }
    }

    @Test
    void aFewStepsAreRunWithThePlannedPlan() {
        ComputationGraph start = Network.LENET.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = Network.LENET.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = builder(start, batches).build()) {
            PartitionPlan planned = net.plan();
            assertThat(fit(net, batches)).hasSize(1);
            assertThat(net.plan()).isEqualTo(planned);
            assertThat(net.report().steps()).isEqualTo(3);
            assertThat(net.report().settled()).isFalse();
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void batchesOfOtherSizesDoNotCount() {
        ComputationGraph start = Network.LENET.graph(DataType.DOUBLE);
        List<MultiDataSet> full = Network.LENET.batches(DataType.DOUBLE, 1);
        MultiDataSet small = TestData.classification(DataType.DOUBLE, 5, 4, 4, 1, 14, 14);
        List<MultiDataSet> batches = new ArrayList<>();
        for (int i = 0; i < 8; i++) { // the first turn and a part of the second
            batches.add(full.get(0));
            batches.add(small);
        }
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = builder(start, full).build()) {
            makeUpTimes(net);
            assertThat(fit(net, batches)).hasSize(2);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void nothingIsTriedWhereOnePlanIsPossible() {
        ComputationGraph start = Network.LENET.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = Network.LENET.batches(DataType.DOUBLE, 3);
        PartitionPlan given = SameResult.evenPlan(start, 2, 3);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).plan(given).build()) {
            assertSettledAtOnce(net, batches);
            assertThat(net.plan()).isEqualTo(given);
        }
        try (PipelineComputationGraph net =
                builder(start, batches).stages(2).replicas(1).microBatches(3).build()) {
            assertSettledAtOnce(net, batches);
        }
    }

    private static void assertSettledAtOnce(PipelineComputationGraph net, List<MultiDataSet> batches) {
        assertThat(net.report().settled()).isFalse();
        net.fit(batches.get(0));
        assertThat(net.report().settled()).isTrue();
        assertThat(net.report().measured()).isEmpty();
    }

    @Test
    void statisticsPerMicroBatchKeepTheirNumber() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches = ReplanTest.repeated(images(12), STEPS);
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = builder(start, batches)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build()) {
            PartitionPlan planned = net.plan();
            try (PipelineComputationGraph fixed = PipelineComputationGraph.builder(expected)
                    .plan(planned)
                    .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                    .build()) {
                batches.forEach(fixed::fit);
            }
            fit(net, batches);
            assertThat(net.report().settled()).isTrue();
            assertThat(net.report().measured())
                    .extracting(MeasuredPlan::plan)
                    .allMatch(plan -> plan.microBatches() == planned.microBatches());
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }
}
