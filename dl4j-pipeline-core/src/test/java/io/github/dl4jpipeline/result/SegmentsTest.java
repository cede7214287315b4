package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Truncated back-propagation through time: what plain fit computes, segment by segment. */
@SuppressWarnings("deprecation") // of GravesLSTM, which users still have
class SegmentsTest {
    private static final double TOLERANCE = 1e-10;
    private static final int EXAMPLES = 5;
    private static final int STEPS = 6;

    private static RnnOutputLayer output() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(3)
                .build();
    }

    private static ComputationGraph graph(DataType type, Layer first, Layer second, int forward, int backward) {
        return TestGraphs.graph(TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, STEPS))
                .addLayer("first", first, "steps")
                .addLayer("second", second, "first")
                .addLayer("output", output(), "second")
                .setOutputs("output")
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTForwardLength(forward)
                .tBPTTBackwardLength(backward)
                .build());
    }

    private static ComputationGraph lstms(DataType type, int forward, int backward) {
        return graph(
                type,
                new LSTM.Builder().nOut(6).build(),
                new LSTM.Builder().nOut(5).build(),
                forward,
                backward);
    }

    private static List<MultiDataSet> batches(DataType type) {
        return TestData.several(2, seed -> TestData.sequences(type, seed, EXAMPLES, 4, 3, STEPS, true));
    }

    /** Lengths that divide the sequences and that do not, that go back less far than forward, and more than all of it. */
    @ParameterizedTest
    @CsvSource({"3, 3", "4, 4", "4, 2", "12, 12"})
    void parametersAfterTwoBatches(int forward, int backward) {
        ComputationGraph start = lstms(DataType.DOUBLE, forward, backward);
        List<MultiDataSet> batches = batches(DataType.DOUBLE);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 3; stages++) {
            for (int microBatches : new int[] {1, 3, EXAMPLES}) {
                for (Schedule schedule : Schedules.all()) {
                    ComputationGraph graph = SameResult.copy(start);
                    try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                            .plan(SameResult.evenPlan(graph, stages, microBatches))
                            .schedule(schedule)
                            .build()) {
                        batches.forEach(net::fit);
                        SameResult.assertSame(net, expected, TOLERANCE);
                        assertThat(net.getIterationCount()).isEqualTo(expected.getIterationCount());
                    }
                }
            }
        }
    }

    static Stream<Arguments> layers() {
        return Stream.of(
                Arguments.of(
                        new SimpleRnn.Builder().nOut(6).build(),
                        new LSTM.Builder().nOut(5).build()),
                Arguments.of(
                        new GravesLSTM.Builder().nOut(6).build(),
                        new SimpleRnn.Builder().nOut(5).build()),
                Arguments.of(
                        new LSTM.Builder().nOut(6).build(),
                        new SimpleRnn.Builder().nOut(5).build()));
    }

    @ParameterizedTest
    @MethodSource("layers")
    void otherLayersReplicasAndRecomputation(Layer first, Layer second) {
        ComputationGraph start = graph(DataType.DOUBLE, first, second, 4, 4);
        List<MultiDataSet> batches = batches(DataType.DOUBLE);
        ComputationGraph expected = SameResult.plain(start, batches);
        ComputationGraph replicated = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(replicated)
                .plan(SameResult.evenPlan(replicated, List.of(2, 1), 5))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
        ComputationGraph again = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(again)
                .profile(SameResult.evenProfile(again, EXAMPLES))
                .stages(2)
                .microBatches(4)
                .recompute(true)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    /** Floats run on the engine, which carries states itself. */
    @ParameterizedTest
    @MethodSource("layers")
    void otherLayersInFloat(Layer first, Layer second) {
        ComputationGraph start = graph(DataType.FLOAT, first, second, 4, 4);
        List<MultiDataSet> batches = batches(DataType.FLOAT);
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 2; stages++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, stages, 3))
                    .schedule(stages == 1 ? Schedules.oneForwardOneBackward() : Schedules.zeroBubble())
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, 2e-5);
            }
        }
        ComputationGraph recomputing = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(recomputing)
                .plan(SameResult.recomputing(SameResult.evenPlan(recomputing, 2, 3)))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 2e-5);
        }
    }

    /** Plans that take turns in the first steps do so between sequences. */
    @Test
    void theUsualBuilderInFloat() {
        ComputationGraph start = lstms(DataType.FLOAT, 3, 3);
        List<MultiDataSet> batches = batches(DataType.FLOAT);
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(start).build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 2e-5);
        }
    }

    @Test
    void aMultiLayerNetwork() {
        MultiLayerConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(5).build())
                .layer(new LSTM.Builder().nIn(5).nOut(6).build())
                .layer(output())
                .setInputType(InputType.recurrent(4))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(4)
                .build();
        MultiLayerNetwork plain = new MultiLayerNetwork(configuration);
        plain.init();
        MultiLayerNetwork wrapped = plain.clone();
        DataSet batch = asDataSet(batches(DataType.DOUBLE).get(0));
        plain.fit(batch);
        plain.fit(batch);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(wrapped)
                .stages(2)
                .microBatches(3)
                .build()) {
            net.fit(batch);
            net.fit(batch);
        }
        assertThat(SameResult.difference(wrapped.params(), plain.params())).isLessThanOrEqualTo(TOLERANCE);
        assertThat(wrapped.getIterationCount()).isEqualTo(plain.getIterationCount());
    }

    /** A graph trains with labels of whole sequences, segment by segment; a network warns, and leaves the batch out. */
    @Test
    void aNetworkLeavesOutWhatIsNoSequence() {
        MultiLayerConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(5).build())
                .layer(output())
                .setInputType(InputType.recurrent(4))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(4)
                .build();
        MultiLayerNetwork plain = new MultiLayerNetwork(configuration);
        plain.init();
        MultiLayerNetwork wrapped = plain.clone();
        INDArray before = plain.params().dup();
        INDArray features = batches(DataType.DOUBLE).get(0).getFeatures(0);
        DataSet batch = new DataSet(features, Nd4j.ones(DataType.DOUBLE, EXAMPLES, 3, STEPS - 1));
        plain.fit(batch);
        assertThat(SameResult.difference(plain.params(), before)).isZero();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(wrapped).stages(2).build()) {
            net.fit(batch);
            assertThat(SameResult.difference(net.params(), before)).isZero();
        }
        assertThat(wrapped.getIterationCount()).isEqualTo(plain.getIterationCount());
    }

    /** Deeplearning4j evaluates such graphs in segments, too. */
    @Test
    void evaluatesAsTheWrappedGraph() {
        ComputationGraph graph = lstms(DataType.DOUBLE, 4, 4);
        MultiDataSet batch = batches(DataType.DOUBLE).get(0);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build()) {
            net.fit(batch);
            assertThat(SameResult.difference(
                            net.output(batch.getFeatures(0))[0], graph.output(batch.getFeatures(0))[0]))
                    .isLessThanOrEqualTo(TOLERANCE);
            Evaluation own = net.evaluate(new ListDataSetIterator<>(List.of(asDataSet(batch)), EXAMPLES));
            Evaluation plain = graph.evaluate(new ListDataSetIterator<>(List.of(asDataSet(batch)), EXAMPLES));
            assertThat(own.getConfusionMatrix()).isEqualTo(plain.getConfusionMatrix());
            assertThat(own.accuracy()).isEqualTo(plain.accuracy()).isNotNaN();
        }
    }

    private static DataSet asDataSet(MultiDataSet batch) {
        return new DataSet(
                batch.getFeatures(0), batch.getLabels(0), batch.getFeaturesMaskArray(0), batch.getLabelsMaskArray(0));
    }

    /** Once for each segment, with its iteration and score. */
    @Test
    void listenersAreCalledAsByPlainFit() {
        ComputationGraph start = lstms(DataType.DOUBLE, 2, 2);
        ComputationGraph plain = SameResult.copy(start);
        List<String> expected = record(plain);
        plain.fit(batches(DataType.DOUBLE).get(0));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 2))
                .build()) {
            List<String> calls = record(net);
            net.fit(batches(DataType.DOUBLE).get(0));
            assertThat(calls).isEqualTo(expected).hasSize(3);
        }
    }

    private static List<String> record(ComputationGraph graph) {
        List<String> calls = new ArrayList<>();
        graph.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                calls.add(iteration + " " + epoch + " " + String.format("%.9f", model.score()));
            }
        });
        return calls;
    }

    /** What a failed batch has carried is forgotten. */
    @Test
    void afterAFailureSequencesBeginAnew() {
        ComputationGraph start = lstms(DataType.DOUBLE, 4, 4);
        MultiDataSet batch = batches(DataType.DOUBLE).get(0);
        ComputationGraph expected = SameResult.plain(start, List.of(batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 2))
                .build()) {
            assertThatThrownBy(() -> net.fit(
                            new INDArray[] {Nd4j.ones(DataType.DOUBLE, EXAMPLES, 5, STEPS)},
                            new INDArray[] {batch.getLabels(0)}))
                    .isInstanceOf(RuntimeException.class);
            net.fit(batch);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    @Test
    void oneStepAfterAnotherAsTheWrappedGraph() {
        ComputationGraph graph = lstms(DataType.DOUBLE, 4, 4);
        MultiDataSet batch = batches(DataType.DOUBLE).get(0);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build()) {
            net.fit(batch);
            INDArray steps = Nd4j.rand(DataType.DOUBLE, 2, 4, 3);
            for (int i = 0; i < 2; i++) {
                assertThat(SameResult.difference(net.rnnTimeStep(steps)[0], graph.rnnTimeStep(steps)[0]))
                        .isLessThanOrEqualTo(TOLERANCE);
            }
        }
    }

    @Test
    void theFirstStepIsVerified() {
        ComputationGraph graph = lstms(DataType.DOUBLE, 4, 4);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .verifyFirstStep()
                .build()) {
            batches(DataType.DOUBLE).forEach(net::fit);
            assertThat(net.report().verification())
                    .hasValueSatisfying(found -> assertThat(found.isSame()).isTrue());
        }
    }
}
