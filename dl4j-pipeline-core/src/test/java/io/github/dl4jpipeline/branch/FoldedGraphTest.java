package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class FoldedGraphTest {

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void foldsNormalizationIntoTheConvolutionBeforeIt(boolean logStd) {
        ComputationGraph graph = graph(configuration(logStd));
        graph.fit(TestData.classification(DataType.DOUBLE, 1, 8, 3, 2, 9, 9));
        ComputationGraph folded = FoldedGraph.of(graph);
        assertThat(folded.getConfiguration().getVertices())
                .containsOnlyKeys("withBias", "withoutBias", "tanh", "norm3", "dense", "output");
        INDArray images = TestData.values(DataType.DOUBLE, 2, 3, 2, 9, 9);
        assertThat(SameResult.difference(folded.outputSingle(images), graph.outputSingle(images)))
                .isLessThanOrEqualTo(1e-12);
    }

    @Test
    void keepsSeveralOutputs() {
        ComputationGraph graph = graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(9, 9, 2))
                .addLayer("convolution", convolution(true, Activation.IDENTITY), "image")
                .addLayer("norm", norm(true), "convolution")
                .addLayer("dense", TestGraphs.dense(4), "norm")
                .addLayer("first", TestGraphs.softmax(3), "dense")
                .addLayer("second", TestGraphs.softmax(2), "norm")
                .setOutputs("second", "first")
                .build());
        INDArray images = TestData.values(DataType.DOUBLE, 2, 3, 2, 9, 9);
        INDArray[] expected = graph.output(images);
        INDArray[] actual = FoldedGraph.of(graph).output(images);
        assertThat(actual).hasSize(2);
        for (int i = 0; i < 2; i++) {
            assertThat(SameResult.difference(actual[i], expected[i])).isLessThanOrEqualTo(1e-12);
        }
    }

    private static ComputationGraphConfiguration configuration(boolean logStd) {
        return TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(9, 9, 2))
                .addLayer("withBias", convolution(true, Activation.IDENTITY), "image")
                .addLayer("norm1", norm(logStd), "withBias")
                .addLayer("withoutBias", convolution(false, Activation.IDENTITY), "norm1")
                .addLayer("norm2", norm(logStd), "withoutBias")
                .addLayer("relu", new ActivationLayer(Activation.RELU), "norm2")
                .addLayer("tanh", convolution(true, Activation.TANH), "relu")
                .addLayer("norm3", norm(logStd), "tanh")
                .addLayer("dense", TestGraphs.dense(4), "norm3")
                .addLayer("output", TestGraphs.softmax(3), "dense")
                .setOutputs("output")
                .build();
    }

    private static ConvolutionLayer convolution(boolean bias, Activation activation) {
        return new ConvolutionLayer.Builder(3, 3)
                .nOut(4)
                .hasBias(bias)
                .biasInit(0.3)
                .activation(activation)
                .build();
    }

    private static BatchNormalization norm(boolean logStd) {
        return new BatchNormalization.Builder().useLogStd(logStd).build();
    }

    @Test
    void leavesWhatOthersReadAsWell() {
        ComputationGraph graph = graph(TestGraphs.residual(DataType.DOUBLE, true));
        graph.fit(TestData.classification(DataType.DOUBLE, 1, 8, 4, 3, 8, 8));
        INDArray images = TestData.values(DataType.DOUBLE, 2, 3, 3, 8, 8);
        assertThat(SameResult.difference(FoldedGraph.of(graph).outputSingle(images), graph.outputSingle(images)))
                .isLessThanOrEqualTo(1e-12);
    }
}
