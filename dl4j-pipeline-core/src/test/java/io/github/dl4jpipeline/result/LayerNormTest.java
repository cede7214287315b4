package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 for layer normalization of dense layers, whose weight gradients several micro-batches share. */
class LayerNormTest {
    private static final int INPUTS = 96;

    private final ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
            .graphBuilder()
            .addInputs("rows")
            .setInputTypes(InputType.feedForward(INPUTS))
            .addLayer("wide", dense(160).activation(Activation.RELU).build(), "rows")
            .addLayer("narrow", dense(64).hasBias(false).build(), "wide")
            .addLayer("output", TestGraphs.softmax(4), "narrow")
            .setOutputs("output")
            .build());

    private static DenseLayer.Builder dense(int outputs) {
        return new DenseLayer.Builder()
                .nOut(outputs)
                .hasLayerNorm(true)
                .gainInit(0.8)
                .activation(Activation.TANH);
    }

    private static MultiDataSet batch(int examples) {
        return TestData.classification(DataType.FLOAT, examples, examples, 4, INPUTS);
    }

    static List<Schedule> schedules() {
        return Network.schedules().toList();
    }

    private Map<String, INDArray> gradient(Schedule schedule, int stages, int microBatches, MultiDataSet batch) {
        ComputationGraph copy = SameResult.copy(graph);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(copy)
                .plan(SameResult.evenPlan(copy, stages, microBatches))
                .schedule(schedule)
                .build()) {
            return SameResult.gradient(net, batch);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void anyCut(Schedule schedule) {
        for (int stages = 1; stages <= 3; stages++) {
            for (int microBatches : new int[] {1, 4}) {
                for (int examples : new int[] {23, 60}) {
                    MultiDataSet batch = batch(examples);
                    SameResult.assertSameGradient(gradient(schedule, stages, microBatches, batch), graph, batch);
                }
            }
        }
    }

    /** An example whose products are zero, and one whose products are equal: this Deeplearning4j's layer runs. */
    @ParameterizedTest
    @MethodSource("schedules")
    void rowsWithoutVariance(Schedule schedule) {
        MultiDataSet batch = batch(24);
        INDArray rows = batch.getFeatures(0);
        INDArray first = rows.getColumn(0);
        first.assign(0);
        for (int example : new int[] {3, 14}) {
            rows.getRow(example).assign(0);
        }
        rows.putScalar(14, 0, 0.5);
        graph.getLayer("wide").getParam("W").getRow(0).assign(0.25);
        for (int stages = 1; stages <= 2; stages++) {
            Map<String, INDArray> actual = gradient(schedule, stages, 4, batch);
            SameResult.assertSameGradient(actual, graph, batch);
            actual.values().forEach(array -> assertThat(array.sumNumber().doubleValue())
                    .isFinite());
        }
    }
}
