package io.github.dl4jpipeline.internal.layers;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex.Op;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class ChannelsLastLayersTest {
    private static final double TOLERANCE = 1e-6;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void equalsOutput(int examples) {
        ComputationGraph graph = graph(configuration());
        ComputationGraph copy = GraphCopier.forInference(graph, Kernels.FAST);
        INDArray images = TestData.values(DataType.FLOAT, 1, examples, 3, 12, 10);
        INDArray[] expected = graph.output(images);
        for (int call = 0; call < 2; call++) {
            INDArray[] actual = copy.output(images);
            for (int i = 0; i < expected.length; i++) {
                assertThat(SameResult.difference(actual[i], expected[i])).isLessThanOrEqualTo(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"stem", "lrn", "pool", "left", "sum", "relu"})
    void keepsChannelsLastBetweenLayersThatTakeThem(String vertex) {
        assertThat(ChannelsLast.is(activation(vertex))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"tanh", "beforeUpsampling"})
    void leavesTheOrderToOtherLayers(String vertex) {
        assertThat(ChannelsLast.is(activation(vertex))).isFalse();
    }

    private static INDArray activation(String vertex) {
        ComputationGraph copy = GraphCopier.forInference(graph(configuration()), Kernels.FAST);
        copy.getConfiguration().setInferenceWorkspaceMode(WorkspaceMode.NONE);
        INDArray images = TestData.values(DataType.FLOAT, 1, 2, 3, 12, 10);
        return copy.feedForward(new INDArray[] {images}, false, false).get(vertex);
    }

    /** With a residual sum, and readers of all kinds. */
    private static ComputationGraphConfiguration configuration() {
        return TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(12, 10, 3))
                .addLayer("stem", convolution(3, 1, 6, Activation.RELU), "image")
                .addLayer("lrn", new LocalResponseNormalization.Builder().build(), "stem")
                .addLayer(
                        "pool", new SubsamplingLayer.Builder(2, 2).stride(2, 2).build(), "lrn")
                .addLayer("left", convolution(3, 1, 6, Activation.IDENTITY), "pool")
                .addVertex("sum", new ElementWiseVertex(Op.Add), "left", "pool")
                .addLayer("relu", new ActivationLayer(Activation.RELU), "sum")
                .addLayer("strided", convolution(1, 2, 5, Activation.RELU), "relu")
                .addLayer("tanh", convolution(3, 1, 4, Activation.TANH), "strided")
                .addLayer("beforeUpsampling", convolution(3, 1, 4, Activation.RELU), "strided")
                .addLayer("upsampling", new Upsampling2D.Builder(2).build(), "beforeUpsampling")
                .addLayer("mean", new GlobalPoolingLayer(PoolingType.AVG), "relu")
                .addLayer("ofTanh", TestGraphs.softmax(3), "tanh")
                .addLayer("ofUpsampling", TestGraphs.softmax(3), "upsampling")
                .addLayer("ofStrided", TestGraphs.softmax(3), "strided")
                .addLayer("ofMean", TestGraphs.softmax(3), "mean")
                .setOutputs("ofTanh", "ofUpsampling", "ofStrided", "ofMean")
                .build();
    }

    private static ConvolutionLayer convolution(int kernel, int stride, int channels, Activation activation) {
        return new ConvolutionLayer.Builder(kernel, kernel)
                .stride(stride, stride)
                .padding(kernel / 2, kernel / 2)
                .nOut(channels)
                .activation(activation)
                .build();
    }
}
