package io.github.dl4jpipeline.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Link;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.graph.ChainGraph;
import io.github.dl4jpipeline.plan.FusedTiling;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/** What the host sees of a graph whose stages are on devices with their own memory, and what is copied for it. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryUseTest {
    private static final double TOLERANCE = 1e-10;

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
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
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
    void evaluationOutputsAndSavedModelAreThoseOfPlainFit(@TempDir Path directory) throws IOException {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(
                DataType.DOUBLE, settings -> settings.updater(new Adam(0.01)).l2(0.01)));
        List<MultiDataSet> batches =
                TestData.several(4, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.plain(start, batches);
        File file = directory.resolve("model.zip").toFile();
        PipelineComputationGraph closed;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            batches.subList(0, 3).forEach(net::fit);
            net.save(file, true);
            ComputationGraph restored = ComputationGraph.load(file, true);
            restored.fit(batches.get(3));
            SameResult.assertSame(restored.paramTable(), expected.paramTable(), TOLERANCE);
            net.fit(batches.get(3));
            MultiDataSet batch = batches.get(0);
            assertThat(SameResult.difference(
                            net.outputSingle(batch.getFeatures(0)), expected.outputSingle(batch.getFeatures(0))))
                    .isLessThan(TOLERANCE);
            assertThat(net.score(batch)).isCloseTo(expected.score(batch), within(1e-9));
            assertThat(net.evaluate(new IteratorMultiDataSetIterator(batches.iterator(), 11))
                            .confusionToString())
                    .isEqualTo(expected.evaluate(new IteratorMultiDataSetIterator(batches.iterator(), 11))
                            .confusionToString());
            closed = net;
        }
        SameResult.assertSame(start, expected, TOLERANCE);
        assertThatThrownBy(() -> closed.fit(batches.get(0))).hasMessageContaining("closed");
    }

    @Test
    void listenersSeeTheActivationsOfTheWholeBatch() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        Map<String, INDArray> expected = start.feedForward(batch.getFeatures(), true, true);
        Map<String, INDArray> seen = new HashMap<>();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void onForwardPass(Model model, Map<String, INDArray> activations) {
                    activations.forEach((name, array) -> seen.put(name, array.dup()));
                }
            });
            net.fit(batch);
        }
        assertThat(seen).containsKeys("conv1", "pool2");
        seen.forEach((name, array) -> assertThat(SameResult.difference(array, expected.get(name)))
                .as(name)
                .isLessThan(TOLERANCE));
    }

    /** Once for each {@code fit}, after which the wrapped graph is current; to the devices only what has changed there. */
    @Test
    void parametersAreCopiedOnlyWhereSomebodyNeedsThem() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        INDArray state = start.getUpdater().getStateViewArray();
        long once = 8 * (start.numParams() + (state == null ? 0 : state.length()));
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.fit(batches.get(0));
            assertGathered(net, 2 * once); // to the devices, and back
            net.fit(batches.get(1));
            assertGathered(net, 3 * once);
            net.params();
            net.getUpdater();
            assertGathered(net, 3 * once);
            net.fit(new IteratorMultiDataSetIterator(batches.iterator(), 11));
            assertGathered(net, 4 * once);
            start.fit(batches.get(2));
            net.fit(batches.get(0));
            assertGathered(net, 6 * once);
            net.setParams(net.params().mul(0.9));
            net.fit(batches.get(0));
            assertGathered(net, 8 * once);
            net.setLearningRate(0.05);
            net.fit(batches.get(1));
            assertGathered(net, 10 * once);
        }
        expected.fit(batches.get(0));
        expected.fit(batches.get(1));
        batches.forEach(expected::fit);
        expected.fit(batches.get(2));
        expected.fit(batches.get(0));
        expected.setParams(expected.params().mul(0.9));
        expected.fit(batches.get(0));
        expected.setLearningRate(0.05);
        expected.fit(batches.get(1));
        SameResult.assertSame(start.paramTable(), expected.paramTable(), TOLERANCE);
    }

    private static void assertGathered(PipelineComputationGraph net, long bytes) {
        assertThat(net.transfers().bytes(Transfers.Kind.GATHER)).isEqualTo(bytes);
    }

    /** Momentum that a graph has from before goes on. */
    @Test
    void aTrainedGraphGoesOn() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.plain(start, batches);
        start.fit(batches.get(0));
        start.fit(batches.get(1));
        INDArray momentum = start.getUpdater().getStateViewArray().dup();
        PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()
                .close();
        assertThat(start.getUpdater().getStateViewArray()).isEqualTo(momentum);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.fit(batches.get(2));
        }
        SameResult.assertSame(start, expected, TOLERANCE);
    }

    @Test
    void aNetworkIsTrainedBetweenTwoFits() {
        MultiLayerNetwork network = new MultiLayerNetwork(TestGraphs.settings(DataType.DOUBLE)
                .list(TestGraphs.dense(6, 8), TestGraphs.dense(8, 7), TestGraphs.softmax(7, 3))
                .build());
        network.init();
        MultiLayerNetwork expected = network.clone();
        List<DataSet> batches = new ArrayList<>();
        for (int seed = 0; seed < 3; seed++) {
            MultiDataSet batch = TestData.classification(DataType.DOUBLE, seed, 11, 3, 6);
            batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        ComputationGraph chain = TestGraphs.graph(ChainGraph.of(network));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(network)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(chain, 2, 2)))
                .build()) {
            net.fit(batches.get(0));
            network.fit(batches.get(1));
            net.fit(batches.get(2));
        }
        batches.forEach(expected::fit);
        assertThat(SameResult.difference(network.params(), expected.params())).isLessThan(TOLERANCE);
    }

    @Test
    void whatAListenerSetsStays() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.copy(start);
        expected.setListeners(new Shrinking());
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.setListeners(new Shrinking());
            for (MultiDataSet batch : batches) {
                expected.fit(batch);
                net.fit(batch);
            }
        }
        SameResult.assertSame(start, expected, TOLERANCE);
    }

    /** Makes parameters smaller after every step. */
    private static final class Shrinking extends BaseTrainingListener {
        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            ComputationGraph graph = (ComputationGraph) model;
            graph.setParams(graph.params().mul(0.9));
        }
    }

    @Test
    @Timeout(120)
    void aListenerMayClose() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        ComputationGraph expected = SameResult.plain(start, List.of(batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    ((PipelineComputationGraph) model).close();
                }
            });
            net.fit(batch);
        }
        SameResult.assertSame(start, expected, TOLERANCE);
    }

    /** Other replicas get the parameters after the update, and once more only where a constraint may have changed them. */
    @ParameterizedTest
    @CsvSource({"false, 2, 1, 1", "true, 2, 1, 2", "true, 1, 2, 1"})
    void parametersAreCopiedForConstraintsOnlyWhereThereAreAny(
            boolean constraint, int ofFirst, int ofSecond, int copies) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        if (constraint) {
            LayerConstraint positive = new NonNegativeConstraint();
            positive.setParams(Set.of("W"));
            start.getLayer("conv1").conf().getLayer().setConstraints(List.of(positive));
        }
        List<MultiDataSet> batches =
                TestData.several(2, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 1, 14, 14));
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, List.of(ofFirst, ofSecond), 2)))
                .build()) {
            batches.forEach(net::fit);
            assertThat(net.transfers().ofStep())
                    .filteredOn(transfer -> transfer.route().kind() == Transfers.Kind.REPLICA
                            && transfer.what().equals("parameters"))
                    .hasSize(copies);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    /** The batch that cannot be trained is what went wrong first. */
    @Test
    void whatGoesWrongWhileGatheringDoesNotHideWhyAStepHasFailed() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet good = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        MultiDataSet bad = TestData.classification(DataType.DOUBLE, 1, 11, 3, 1, 14, 14);
        ComputationGraph expected = SameResult.plain(start, List.of(good));
        try (Link link = new Link();
                PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                        .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 2, 3)))
                        .build()) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    link.onCopy(() -> {
                        throw new IllegalStateException("the device has gone");
                    });
                }
            });
            assertThatThrownBy(() -> net.fit(
                            new IteratorMultiDataSetIterator(List.of(good, bad).iterator(), 11)))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("stage 1")
                    .satisfies(failure -> assertThat(failure.getSuppressed())
                            .singleElement()
                            .extracting(Throwable::getMessage)
                            .isEqualTo("the device has gone"));
            link.close();
        }
        SameResult.assertSame(start, expected, TOLERANCE);
    }

    @Test
    void singleTransfersAreThoseOfTheLastStep() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(OnSeparateMemory.moved(SameResult.evenPlan(start, 3, 3)))
                .build()) {
            net.fit(batch);
            net.fit(batch);
            int transfers = net.transfers().ofStep().size();
            net.fit(batch);
            assertThat(net.transfers().ofStep()).hasSize(transfers);
        }
    }

    @Test
    void tilesAreRefused() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        PipelineBuilder builder = PipelineComputationGraph.builder(graph)
                .devices(SeparateMemoryRuntime.devices(2, OnSeparateMemory.PLENTY))
                .tiling(FusedTiling.grid(2, 2).from("conv1").to("pool1"));
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("device-0 has memory of its own");
    }
}
