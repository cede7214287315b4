package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.TrailingSteps;
import io.github.dl4jpipeline.report.SequenceSteps;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Invariant 1 for sequences of different length: stages that cut between recurrent layers, replicas, uneven batches. */
@SuppressWarnings("deprecation") // saved models still have the layer with peepholes
class SequencesTest {
    private static final int SIZE = 4;
    private static final int STEPS = 5;
    private static final int CLASSES = 3;

    private static ComputationGraph graph(DataType type, RNNFormat format, boolean bothWays) {
        GraphBuilder builder = TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(SIZE, STEPS, format));
        Layer first = new LSTM.Builder().nOut(6).dataFormat(format).build();
        return TestGraphs.graph(builder.addLayer("lstm", bothWays ? new Bidirectional(first) : first, "steps")
                .addLayer(
                        "peepholes",
                        new GravesLSTM.Builder().nOut(5).dataFormat(format).build(),
                        "lstm")
                .addLayer("dense", new DenseLayer.Builder().nOut(5).build(), "peepholes")
                .addLayer(
                        "simple",
                        new SimpleRnn.Builder().nOut(5).dataFormat(format).build(),
                        "dense")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .dataFormat(format)
                                .nOut(CLASSES)
                                .build(),
                        "simple")
                .setOutputs("output")
                .build());
    }

    /** Examples of 1 step, 2 steps and so on; at most 4 are needed. */
    private static MultiDataSet batch(DataType type, RNNFormat format, int examples, boolean masksFeatures) {
        boolean last = format == RNNFormat.NWC;
        INDArray features = TestData.values(type, 3, examples, SIZE, STEPS);
        INDArray labels = Nd4j.zeros(type, examples, CLASSES, STEPS);
        INDArray mask = Nd4j.zeros(type, examples, STEPS);
        for (int example = 0; example < examples; example++) {
            for (int step = 0; step < STEPS; step++) {
                labels.putScalar(new int[] {example, (example + step) % CLASSES, step}, 1);
                mask.putScalar(example, step, step <= example % 4 ? 1 : 0);
            }
        }
        return new MultiDataSet(
                new INDArray[] {last ? features.permute(0, 2, 1).dup('c') : features},
                new INDArray[] {last ? labels.permute(0, 2, 1).dup('c') : labels},
                masksFeatures ? new INDArray[] {mask} : null,
                new INDArray[] {mask.dup()});
    }

    private static List<org.nd4j.linalg.dataset.api.MultiDataSet> batches(DataType type, RNNFormat format) {
        return List.of(batch(type, format, 7, true), batch(type, format, 8, false), batch(type, format, 5, true));
    }

    @ParameterizedTest
    @EnumSource(RNNFormat.class)
    void parametersAfterThreeSteps(RNNFormat format) {
        for (DataType type : List.of(DataType.DOUBLE, DataType.FLOAT)) {
            for (boolean bothWays : new boolean[] {false, true}) {
                ComputationGraph start = graph(type, format, bothWays);
                ComputationGraph expected = SameResult.plain(start, batches(type, format));
                for (List<Integer> replicas :
                        List.of(List.of(1), List.of(1, 1, 1), List.of(2, 1), List.of(1, 1, 1, 1, 1))) {
                    for (int microBatches : new int[] {1, 3}) {
                        for (Schedule schedule : List.of(Schedules.oneForwardOneBackward(), Schedules.zeroBubble())) {
                            ComputationGraph graph = SameResult.copy(start);
                            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                                    .plan(SameResult.evenPlan(graph, replicas, microBatches))
                                    .schedule(schedule)
                                    .build()) {
                                batches(type, format).forEach(net::fit);
                                SameResult.assertSame(net, expected, type == DataType.DOUBLE ? 1e-10 : 2e-5);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void stepsThatNoExampleNeedsAreCutOff() {
        for (RNNFormat format : RNNFormat.values()) {
            int ofSteps = format == RNNFormat.NWC ? 1 : 2;
            TrailingSteps trailing = TrailingSteps.of(graph(DataType.FLOAT, format, false));
            List<MicroBatch> parts =
                    trailing.cut(whole(batch(DataType.FLOAT, format, 7, true)).split(3));
            assertThat(parts.stream().map(part -> part.features()[0].size(ofSteps)))
                    .containsExactly(2L, 4L, 3L);
            assertThat(parts.get(0).labels()[0].size(ofSteps)).isEqualTo(2);
            assertThat(parts.get(0).labelMasks()[0].size(1)).isEqualTo(2);
            assertThat(parts.get(0).featureMasks()[0].size(1)).isEqualTo(2);

            TrailingSteps bothWays = TrailingSteps.of(graph(DataType.FLOAT, format, true));
            List<MicroBatch> all = whole(batch(DataType.FLOAT, format, 7, true)).split(3);
            assertThat(bothWays.cut(all)).containsExactlyElementsOf(all); // the other way begins at the last step
        }
    }

    @Test
    void theReportSaysWhatWasNotComputed() {
        ComputationGraph graph = graph(DataType.FLOAT, RNNFormat.NCW, false);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .build()) {
            net.fit(batch(DataType.FLOAT, RNNFormat.NCW, 7, true));
            // Micro-batches of 2, 2 and 3 examples, of which 2, 4 and 3 of 5 steps are needed.
            assertThat(net.report().sequences()).hasValue(new SequenceSteps(35, 2 * 3 + 2 + 3 * 2));
            assertThat(net.report().toString()).contains("not computed: 14 of 35 time steps (40 %)");
        }
    }

    @Test
    void whatIsNoNumberIsNotCutOff() {
        TrailingSteps trailing = TrailingSteps.of(graph(DataType.FLOAT, RNNFormat.NCW, false));
        MultiDataSet batch = batch(DataType.FLOAT, RNNFormat.NCW, 3, false);
        batch.getFeatures(0).putScalar(new int[] {1, 0, STEPS - 1}, Double.NaN);
        List<MicroBatch> all = whole(batch).split(1);
        assertThat(trailing.cut(all).get(0)).isSameAs(all.get(0));
    }

    private static MicroBatch whole(MultiDataSet batch) {
        return MicroBatch.whole(
                batch.getFeatures(), batch.getLabels(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
    }
}
