package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;

/** Invariant 1 for output layers: their losses, and scores that follow from the backward pass. */
class OutputLossTest {
    private static final int EXAMPLES = 11;
    private static final int INPUTS = 6;

    /** With 400 classes the numbers are too many for code of few. */
    private static Stream<Arguments> losses() {
        return Stream.of(
                Arguments.of(new LossMCXENT(), Activation.SOFTMAX, 3),
                Arguments.of(new LossMCXENT(), Activation.SOFTMAX, 400),
                Arguments.of(new LossMCXENT(0, null), Activation.SOFTMAX, 3),
                Arguments.of(new LossMCXENT(Nd4j.create(new double[] {1, 2, 3})), Activation.SOFTMAX, 3),
                Arguments.of(new LossNegativeLogLikelihood(), Activation.SOFTMAX, 3),
                Arguments.of(new LossMSE(), Activation.IDENTITY, 3),
                Arguments.of(new LossMSE(), Activation.TANH, 3),
                Arguments.of(new LossBinaryXENT(), Activation.SIGMOID, 3));
    }

    private static ComputationGraph graph(
            DataType type, ILossFunction loss, Activation activation, int outputs, boolean hidden) {
        GraphBuilder builder = TestGraphs.settings(type).graphBuilder().addInputs("values");
        if (hidden) {
            builder.addLayer("dense", TestGraphs.dense(INPUTS, 5), "values");
        }
        OutputLayer output = new OutputLayer.Builder(loss)
                .nIn(hidden ? 5 : INPUTS)
                .nOut(outputs)
                .activation(activation)
                .build();
        return TestGraphs.graph(builder.addLayer("output", output, hidden ? "dense" : "values")
                .setOutputs("output")
                .build());
    }

    private static PipelineComputationGraph pipeline(ComputationGraph graph, int microBatches) {
        return PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 1, microBatches))
                .build();
    }

    private static MultiDataSet batch(DataType type, long seed, int outputs) {
        return TestData.classification(type, seed, EXAMPLES, outputs, INPUTS);
    }

    @ParameterizedTest
    @MethodSource("losses")
    void inDouble(ILossFunction loss, Activation activation, int outputs) {
        for (boolean hidden : new boolean[] {true, false}) {
            for (int microBatches : new int[] {1, 3}) {
                ComputationGraph graph = graph(DataType.DOUBLE, loss, activation, outputs, hidden);
                List<MultiDataSet> batches = TestData.several(3, seed -> batch(DataType.DOUBLE, seed, outputs));
                ComputationGraph expected = SameResult.plain(graph, batches);
                try (PipelineComputationGraph net = pipeline(graph, microBatches)) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, 1e-10);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("losses")
    void inFloat(ILossFunction loss, Activation activation, int outputs) {
        for (boolean hidden : new boolean[] {true, false}) {
            ComputationGraph graph = graph(DataType.FLOAT, loss, activation, outputs, hidden);
            MultiDataSet batch = batch(DataType.FLOAT, 5, outputs);
            ComputationGraph expected = SameResult.plain(graph, List.of(batch));
            try (PipelineComputationGraph net = pipeline(graph, 1)) {
                SameResult.assertSameGradient(SameResult.gradient(net, batch), SameResult.copy(graph), batch);
                net.fit(batch);
                assertThat(net.score()).isCloseTo(expected.score(), withPercentage(1e-4));
            }
        }
    }

    /** Masks, and labels in another order than row by row. */
    @Test
    void otherLabels() {
        for (boolean masked : new boolean[] {true, false}) {
            ComputationGraph graph = graph(DataType.DOUBLE, new LossMCXENT(), Activation.SOFTMAX, 3, true);
            MultiDataSet batch = batch(DataType.DOUBLE, 5, 3);
            INDArray mask = masked
                    ? TestData.values(DataType.DOUBLE, 9, EXAMPLES, 1).gt(0).castTo(DataType.DOUBLE)
                    : null;
            MultiDataSet other = new org.nd4j.linalg.dataset.MultiDataSet(
                    batch.getFeatures(),
                    new INDArray[] {batch.getLabels(0).dup('f')},
                    null,
                    mask == null ? null : new INDArray[] {mask});
            ComputationGraph expected = SameResult.plain(graph, List.of(other, batch));
            try (PipelineComputationGraph net = pipeline(graph, 1)) {
                net.fit(other);
                net.fit(batch);
                SameResult.assertSame(net, expected, 1e-10);
            }
        }
    }
}
