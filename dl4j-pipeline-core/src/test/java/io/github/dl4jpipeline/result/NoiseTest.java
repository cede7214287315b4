package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Invariant 2: noise depends on seed, iteration, vertex and example, not on the cut, the split or the thread. */
class NoiseTest {

    private static Stream<Named<IDropout>> dropouts() {
        return Stream.of(
                Named.of("dropout", new Dropout(0.6)),
                Named.of("alpha dropout", new AlphaDropout(0.6)),
                Named.of("Gaussian dropout", new GaussianDropout(0.3)),
                Named.of("Gaussian noise", new GaussianNoise(0.2)));
    }

    @ParameterizedTest
    @MethodSource("dropouts")
    void denseLayers(IDropout dropout) {
        assertIndependentOfPlan(
                denseWith(dropout),
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)));
    }

    /** Noise of the next layer that changes signs must not change what ReLU's derivative follows from. */
    @ParameterizedTest
    @MethodSource("dropouts")
    void denseLayersWithReLU(IDropout dropout) {
        assertIndependentOfPlan(
                TestGraphs.dense(DataType.DOUBLE, s -> s.dropOut(dropout).activation(Activation.RELU)),
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)));
    }

    @Test
    void convolutions() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(6, 6, 2))
                .addLayer("conv1", TestGraphs.convolution(4), "image")
                .addLayer(
                        "conv2",
                        new ConvolutionLayer.Builder(3, 3)
                                .padding(1, 1)
                                .nOut(5)
                                .dropOut(new Dropout(0.7))
                                .build(),
                        "conv1")
                .addLayer(
                        "conv3",
                        new ConvolutionLayer.Builder(3, 3)
                                .nOut(3)
                                .dropOut(new SpatialDropout(0.7))
                                .build(),
                        "conv2")
                .addLayer("dense", TestGraphs.dense(5), "conv3")
                .addLayer("output", TestGraphs.softmax(3), "dense")
                .setOutputs("output")
                .build();
        assertIndependentOfPlan(
                configuration,
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 2, 6, 6)));
    }

    @Test
    void otherConvolutionsAndWeights() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .weightNoise(new DropConnect(0.8))
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(6, 6, 2))
                .addLayer("first", TestGraphs.convolution(4), "image")
                .addLayer(
                        "separable",
                        new SeparableConvolution2D.Builder(3, 3)
                                .nOut(4)
                                .dropOut(new Dropout(0.7))
                                .build(),
                        "first")
                .addLayer(
                        "deconvolution",
                        new Deconvolution2D.Builder(2, 2)
                                .stride(2, 2)
                                .nOut(3)
                                .dropOut(new Dropout(0.7))
                                .build(),
                        "separable")
                .addLayer(
                        "depthwise",
                        new DepthwiseConvolution2D.Builder(3, 3)
                                .nOut(3)
                                .dropOut(new Dropout(0.7))
                                .build(),
                        "deconvolution")
                .addLayer("output", TestGraphs.softmax(3), "depthwise")
                .setOutputs("output")
                .build();
        assertIndependentOfPlan(
                configuration,
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 2, 6, 6)));
    }

    @Test
    void timeStepsInConvolutions() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .weightNoise(new DropConnect(0.8))
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, 3))
                .addLayer("first", new Convolution1DLayer.Builder(3).nOut(5).build(), "steps")
                .addLayer(
                        "second",
                        new Convolution1DLayer.Builder(2)
                                .nOut(3)
                                .dropOut(new Dropout(0.7))
                                .build(),
                        "first")
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "second")
                .addLayer("output", TestGraphs.softmax(3), "pool")
                .setOutputs("output")
                .build();
        assertIndependentOfPlan(
                configuration,
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 4, 6)));
    }

    @Test
    void recurrentLayersAndTimeSteps() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, 3))
                .addLayer(
                        "both",
                        new Bidirectional(new LSTM.Builder()
                                .nOut(5)
                                .dropOut(new Dropout(0.8))
                                .build()),
                        "steps")
                .addLayer("dense", new DenseLayer.Builder().nOut(6).dropOut(0.7).build(), "both")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(3)
                                .build(),
                        "dense")
                .setOutputs("output")
                .build();
        assertIndependentOfPlan(
                configuration,
                TestData.several(3, seed -> TestData.sequences(DataType.DOUBLE, seed, 11, 4, 3, 2, true)));
    }

    @Test
    void dropoutOnAnInputThatOthersRead() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addLayer("plain", TestGraphs.dense(8, 5), "dense")
                .addLayer("noisy", new DropoutLayer(0.5), "dense")
                .addLayer("after", TestGraphs.dense(8, 5), "noisy")
                .addVertex(
                        "sum",
                        new org.deeplearning4j.nn.conf.graph.ElementWiseVertex(
                                org.deeplearning4j.nn.conf.graph.ElementWiseVertex.Op.Add),
                        "plain",
                        "after")
                .addLayer("output", TestGraphs.softmax(5, 3), "sum")
                .setOutputs("output")
                .build();
        assertIndependentOfPlan(
                configuration, TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)));
    }

    @Test
    void weightNoiseIsTheSameForAllMicroBatches() {
        assertIndependentOfPlan(
                TestGraphs.dense(DataType.DOUBLE, s -> s.weightNoise(new DropConnect(0.7))),
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6)));
    }

    @Test
    void noiseChangesFromStepToStepAndWithTheSeed() {
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 3, 6);
        ComputationGraphConfiguration configuration = denseWith(new Dropout(0.5));
        ComputationGraph graph = TestGraphs.graph(configuration);
        double first;
        double again;
        double nextStep;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .microBatches(2)
                .build()) {
            SameResult.gradient(net, batch);
            first = net.score();
            SameResult.gradient(net, batch);
            again = net.score();
            net.getConfiguration().setIterationCount(1);
            SameResult.gradient(net, batch);
            nextStep = net.score();
        }
        graph.conf().setSeed(777);
        graph.getConfiguration().setIterationCount(0);
        double otherSeed;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .microBatches(2)
                .build()) {
            SameResult.gradient(net, batch);
            otherSeed = net.score();
        }
        assertThat(again).isEqualTo(first);
        assertThat(nextStep).isNotEqualTo(first);
        assertThat(otherSeed).isNotEqualTo(first);
    }

    @Test
    void dropoutKeepsTheSharesThatItIsGiven() {
        // A linear graph of ones, so that the mean output shows the mean of the mask: 1, for inverted dropout.
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .activation(Activation.IDENTITY)
                .graphBuilder()
                .addInputs("values")
                .addLayer("noisy", new DropoutLayer(new Dropout(0.25)), "values")
                .addLayer(
                        "output",
                        new org.deeplearning4j.nn.conf.layers.LossLayer.Builder(LossFunction.MSE).build(),
                        "noisy")
                .addLayer("unused", TestGraphs.dense(200, 1), "values")
                .addLayer(
                        "unusedOutput",
                        new org.deeplearning4j.nn.conf.layers.LossLayer.Builder(LossFunction.MSE).build(),
                        "unused")
                .setOutputs("output", "unusedOutput")
                .build();
        ComputationGraph graph = TestGraphs.graph(configuration);
        graph.params().assign(0);
        var ones = org.nd4j.linalg.factory.Nd4j.ones(DataType.DOUBLE, 100, 200);
        var zeros = org.nd4j.linalg.factory.Nd4j.zeros(DataType.DOUBLE, 100, 200);
        var none = org.nd4j.linalg.factory.Nd4j.zeros(DataType.DOUBLE, 100, 1);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 100))
                .microBatches(4)
                .build()) {
            net.setInputs(ones);
            net.setLabels(zeros, none);
            net.computeGradientAndScore();
            // Mean squared error of a mask that is 1 / 0.25 with probability 0.25: 4.
            assertThat(net.score()).isBetween(3.8, 4.2);
        }
    }

    private static ComputationGraphConfiguration denseWith(IDropout dropout) {
        return TestGraphs.dense(DataType.DOUBLE, s -> s.dropOut(dropout));
    }

    private static void assertIndependentOfPlan(
            ComputationGraphConfiguration configuration, List<MultiDataSet> batches) {
        ComputationGraph start = TestGraphs.graph(configuration);
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(expected)
                .plan(SameResult.evenPlan(expected, 1, 1))
                .kernels(Kernels.STOCK)
                .build()) {
            batches.forEach(net::fit);
        }
        assertThat(expected.params()).isNotEqualTo(start.params());
        for (int stages = 1; stages <= 3; stages++) {
            for (int microBatches : new int[] {1, 2, 3, 8}) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(SameResult.evenPlan(graph, stages, microBatches))
                        .schedule(stages == 2 ? Schedules.fillDrain() : Schedules.zeroBubble())
                        .verifyFirstStep()
                        .build()) {
                    batches.forEach(net::fit);
                }
                SameResult.assertSame(graph.paramTable(), expected.paramTable(), 1e-10);
            }
        }
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.recomputing(SameResult.evenPlan(graph, 3, 4)))
                .build()) {
            batches.forEach(net::fit);
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), 1e-10);
    }
}
