package io.github.dl4jpipeline.internal.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Code that fails while profiling tries it does not end profiling or training. */
class FailingCodeTest {
    private final MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 16, 4, 2, 8, 8);

    private static ComputationGraph graph() {
        ConvolutionLayer.Builder convolution = new ConvolutionLayer.Builder(3, 3)
                .nOut(4)
                .convolutionMode(ConvolutionMode.Same)
                .activation(Activation.TANH);
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(3)
                .updater(new Sgd(0.1))
                .dataType(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 2))
                .addLayer("first", new FailingConvolution(convolution), "image")
                .addLayer(
                        "second",
                        new ConvolutionLayer.Builder(3, 3)
                                .nOut(3)
                                .activation(Activation.TANH)
                                .build(),
                        "first")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .nOut(4)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "second")
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    @AfterEach
    void failNoLonger() {
        FailingConvolution.failIn("");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DirectConvolution.forward", "DirectConvolution.backward"})
    void usualCodeThatFailsGivesWayToDeeplearning4js(String method) {
        FailingConvolution.failIn(method);
        GraphProfile profile = GraphProfiler.profile(graph(), batch, Devices.cpu(1));
        assertThat(profile.otherCode()).containsEntry("first", KernelCode.STOCK);
    }

    @Test
    void trainingGoesOnWithTheSameResult() {
        ComputationGraph plain = graph();
        ComputationGraph piped = graph();
        FailingConvolution.failIn("DirectConvolution.forward");
        try (PipelineComputationGraph pipeline =
                PipelineComputationGraph.builder(piped).devices(Devices.cpu(2)).build()) {
            for (int step = 0; step < 3; step++) {
                plain.fit(batch);
                pipeline.fit(batch);
            }
        }
        assertThat(SameResult.difference(piped.params(), plain.params())).isLessThan(1e-5);
    }

    /** With its own code for the batch as a whole, or for parts of it on all devices. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void outputsAreRightAfterwards(boolean inParts) {
        ComputationGraph graph = graph();
        try (PipelineComputationGraph pipeline = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .exampleIndependent(inParts ? new Class<?>[] {FailingConvolution.class} : new Class<?>[0])
                .build()) {
            assertSameOutputs(pipeline, graph); // makes copies with the usual code
            FailingConvolution.failIn("DirectConvolution.forward");
            assertThatThrownBy(() -> pipeline.outputSingle(batch.getFeatures(0)))
                    .hasStackTraceContaining("as the test wants it");
            pipeline.fit(batch);
            assertThat(pipeline.profile().orElseThrow().otherCode()).containsEntry("first", KernelCode.STOCK);
            assertSameOutputs(pipeline, graph);
            assertThat(pipeline.score(batch)).isCloseTo(graph.score(batch), withPercentage(1e-3));
        }
    }

    private void assertSameOutputs(PipelineComputationGraph pipeline, ComputationGraph graph) {
        INDArray expected = SameResult.copy(graph).outputSingle(batch.getFeatures(0));
        assertThat(SameResult.difference(pipeline.outputSingle(batch.getFeatures(0)), expected))
                .isLessThan(1e-5);
    }

    @Test
    void whatFailsInDeeplearning4jsCodeTooIsAnErrorThatNamesTheVertex() {
        FailingConvolution.failIn(".activate");
        assertThatThrownBy(() -> GraphProfiler.profile(graph(), batch, Devices.cpu(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Cannot profile the graph with this sample: vertex 'first': as the test wants it");
    }
}
