package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** What listeners and callers of {@code fit} see besides the result is what they see of plain {@code fit}. */
class SameBehaviourTest {

    @ParameterizedTest
    @EnumSource(Network.class)
    void whatListenersSee(Network network) {
        assertSeesTheSame(network.graph(DataType.DOUBLE), network.batches(DataType.DOUBLE, 2), 3);
    }

    @Test
    void whatListenersSeeOfBatchNormalization() {
        assertSeesTheSame(
                TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true)),
                TestData.several(2, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8)),
                1);
    }

    private static void assertSeesTheSame(ComputationGraph start, List<MultiDataSet> batches, int microBatches) {
        ComputationGraph expected = SameResult.copy(start);
        Seen ofPlain = train(expected, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, microBatches))
                .build()) {
            Seen ofPipeline = train(net, batches);
            assertThat(ofPipeline.calls).containsExactlyElementsOf(ofPlain.calls);
            assertThat(ofPipeline.arrays).hasSameSizeAs(ofPlain.arrays);
            for (int i = 0; i < ofPlain.arrays.size(); i++) {
                ArrayDifference difference = ArrayDifference.of(ofPipeline.arrays.get(i), ofPlain.arrays.get(i));
                assertThat(difference.isWithin(1e-9, 1e-15))
                        .as("array " + i + ": " + difference)
                        .isTrue();
            }
            for (ComputationGraph graph : List.of(expected, net)) {
                assertThat(graph.getInputs()).containsExactly(batches.get(1).getFeatures());
                assertThat(graph.getInputMaskArrays()).isNull();
                assertThat(graph.getLabelMaskArrays()).isNull();
                assertThat(graph.getLastEtlTime()).isNotNegative();
            }
            assertThat(net.getInput(0)).isSameAs(batches.get(1).getFeatures(0));
            assertThat(keys(net.gradient())).isEqualTo(keys(expected.gradient()));
            assertThat(net.summary()).isEqualTo(expected.summary());
            assertThat(net.getConfiguration().toJson())
                    .isEqualTo(expected.getConfiguration().toJson());
        }
    }

    private static Seen train(ComputationGraph graph, List<MultiDataSet> batches) {
        Seen seen = new Seen();
        graph.setListeners(seen);
        int examples = (int) batches.get(0).getFeatures(0).size(0);
        graph.fit(new IteratorMultiDataSetIterator(batches.iterator(), examples));
        graph.fit(batches.get(1));
        return seen;
    }

    /** Names, in order, with shapes, orders and orders of flattening. */
    private static List<String> keys(Gradient gradient) {
        List<String> keys = new ArrayList<>();
        gradient.gradientForVariable()
                .forEach((name, array) -> keys.add(name + " " + Arrays.toString(array.shape()) + array.ordering()
                        + gradient.flatteningOrderForVariable(name)));
        return keys;
    }

    private static final class Seen extends BaseTrainingListener {
        private final List<String> calls = new ArrayList<>();
        private final List<INDArray> arrays = new ArrayList<>();

        private void see(String call, Model model) {
            ComputationGraph graph = (ComputationGraph) model;
            StringBuilder text = new StringBuilder(call);
            text.append(" at ").append(graph.getIterationCount()).append(' ').append(graph.getEpochCount());
            text.append(" batch ").append(graph.getInput(0) == null ? 0 : graph.batchSize());
            text.append(" masks ").append(graph.getInputMaskArrays() != null);
            text.append(graph.getLabelMaskArrays() != null);
            for (Layer layer : graph.getLayers()) {
                text.append(' ').append(layer.getIterationCount()).append('/').append(layer.getEpochCount());
            }
            calls.add(text.toString());
            arrays.add(graph.params().dup());
        }

        private void seeGradient(ComputationGraph graph) {
            calls.addAll(keys(graph.gradient()));
            arrays.add(graph.gradient().gradient().dup());
            graph.gradient().gradientForVariable().values().forEach(array -> arrays.add(array.dup('c')));
            arrays.add(Nd4j.scalar(graph.score()));
            assertThat(graph.gradientAndScore().getSecond()).isEqualTo(graph.score());
        }

        @Override
        public void onEpochStart(Model model) {
            see("epoch start", model);
        }

        @Override
        public void onEpochEnd(Model model) {
            see("epoch end", model);
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            see("forward", model);
            new TreeMap<>(activations).forEach((vertex, array) -> {
                calls.add(vertex + " " + Arrays.toString(array.shape()));
                arrays.add(array.dup('c'));
            });
        }

        @Override
        public void onBackwardPass(Model model) {
            see("backward", model);
            seeGradient((ComputationGraph) model);
        }

        @Override
        public void onGradientCalculation(Model model) {
            see("gradient", model);
            seeGradient((ComputationGraph) model);
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            see("done " + iteration + " " + epoch, model);
            seeGradient((ComputationGraph) model); // what has been subtracted
        }
    }

    /** Deeplearning4j's own clone starts to count anew; this one goes on as the graph would. */
    @Test
    void aCloneIsAnOrdinaryGraphThatGoesOnWhereThisOneIs() {
        ComputationGraph graph =
                TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings.updater(new Adam(0.01))));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6));
        ComputationGraph expected = SameResult.plain(graph, batches);
        BaseTrainingListener listener = new BaseTrainingListener() {};
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .build()) {
            net.setListeners(listener);
            net.fit(new IteratorMultiDataSetIterator(batches.subList(0, 2).iterator(), 11));
            ComputationGraph clone = net.clone();
            assertThat(clone.getClass()).isEqualTo(ComputationGraph.class);
            assertThat(clone.getIterationCount()).isEqualTo(2);
            assertThat(clone.getEpochCount()).isEqualTo(1);
            assertThat(clone.getListeners()).containsExactly(listener);
            clone.fit(batches.get(2));
            SameResult.assertSame(clone.paramTable(), expected.paramTable(), 1e-10);
            assertThat(clone.getIterationCount()).isEqualTo(3);
            assertThat(net.getIterationCount()).isEqualTo(2);
        }
        assertThat(graph.clone().getIterationCount()).isZero();
    }

    /** Plain fit would update without counting, so that the updater's next step would use this one's count again. */
    @Test
    void aStepIsCountedIfItsListenerThrows() {
        ComputationGraph graph =
                TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings.updater(new Adam(0.01))));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 3, 6);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        ComputationGraph plain = SameResult.copy(graph);
        BaseTrainingListener throwing = new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                throw new IllegalStateException("from a listener");
            }
        };
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .build()) {
            for (ComputationGraph trained : List.of(net, plain)) {
                trained.setListeners(throwing);
                assertThatThrownBy(() -> trained.fit(batch)).hasMessage("from a listener");
                SameResult.assertSame(trained.paramTable(), expected.paramTable(), 1e-10);
            }
            assertThat(net.getIterationCount()).isEqualTo(1);
            assertThat(plain.getIterationCount()).isZero();
        }
    }
}
