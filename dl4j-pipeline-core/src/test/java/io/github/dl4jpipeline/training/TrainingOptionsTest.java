package io.github.dl4jpipeline.training;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Invariant 1 over the settings of a graph: what follows the gradient is Deeplearning4j's own. */
class TrainingOptionsTest {

    private static Stream<Named<UnaryOperator<NeuralNetConfiguration.Builder>>> settings() {
        return Stream.of(
                named("sgd", s -> s.updater(new Sgd(0.1))),
                named("nesterovs", s -> s.updater(new Nesterovs(0.1, 0.9))),
                named("adam", s -> s.updater(new Adam(0.01))),
                named("adamax", s -> s.updater(new AdaMax(0.01))),
                named("amsgrad", s -> s.updater(new AMSGrad(0.01))),
                named("rmsprop", s -> s.updater(new RmsProp(0.01))),
                named(
                        "schedule by iteration",
                        s -> s.updater(new Adam(new StepSchedule(ScheduleType.ITERATION, 0.1, 0.5, 1)))),
                named(
                        "schedule by epoch",
                        s -> s.updater(new Sgd(new ExponentialSchedule(ScheduleType.EPOCH, 0.1, 0.5)))),
                named("bias updater", s -> s.updater(new Adam(0.01)).biasUpdater(new Sgd(0.2))),
                named("l1", s -> s.l1(0.01)),
                named("l2", s -> s.l2(0.01)),
                named("l1 and l2 of biases", s -> s.l1Bias(0.01).l2Bias(0.02)),
                named("weight decay", s -> s.weightDecay(0.01)),
                named("clip elements", s -> s.gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                        .gradientNormalizationThreshold(0.01)),
                named("clip layers", s -> s.gradientNormalization(GradientNormalization.ClipL2PerLayer)
                        .gradientNormalizationThreshold(0.1)),
                named("clip parameters", s -> s.gradientNormalization(GradientNormalization.ClipL2PerParamType)
                        .gradientNormalizationThreshold(0.1)),
                named("renormalise layers", s -> s.gradientNormalization(GradientNormalization.RenormalizeL2PerLayer)),
                named(
                        "renormalise parameters",
                        s -> s.gradientNormalization(GradientNormalization.RenormalizeL2PerParamType)),
                named("max-norm", s -> s.constrainWeights(new MaxNormConstraint(0.5, 1))),
                named("non-negative biases", s -> s.constrainBias(new NonNegativeConstraint())),
                named("sums instead of means", s -> s.miniBatch(false).updater(new Sgd(0.01))));
    }

    @ParameterizedTest
    @MethodSource("settings")
    void settingsOfTheGraph(UnaryOperator<NeuralNetConfiguration.Builder> change) {
        assertSameResult(TestGraphs.dense(DataType.DOUBLE, change));
    }

    @Test
    void settingsOfLayers() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense1", with(6, 8).updater(new Sgd(0.3)).l2(0.05).build(), "values")
                .addLayer("dense2", with(8, 7).updater(new Adam(0.02)).build(), "dense1")
                .addLayer(
                        "dense3",
                        with(7, 6)
                                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                                .gradientNormalizationThreshold(0.05)
                                .build(),
                        "dense2")
                .addLayer("output", TestGraphs.softmax(6, 3), "dense3")
                .setOutputs("output")
                .build();
        assertSameResult(configuration);
    }

    @ParameterizedTest
    @EnumSource(WorkspaceMode.class)
    @SuppressWarnings("deprecation") // SINGLE and SEPARATE still exist in saved models
    void workspaceModes(WorkspaceMode mode) {
        assertSameResult(TestGraphs.dense(
                DataType.DOUBLE, s -> s.trainingWorkspaceMode(mode).inferenceWorkspaceMode(mode)));
        ComputationGraph start = TestGraphs.graph(TestGraphs.leNet(
                DataType.DOUBLE, s -> s.trainingWorkspaceMode(mode).inferenceWorkspaceMode(mode)));
        assertSameResult(
                start, TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 7, 4, 1, 14, 14)));
    }

    @Test
    void layersFrozenByTransferLearning() {
        ComputationGraph trained = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        ComputationGraph frozen = new TransferLearning.GraphBuilder(trained)
                .setFeatureExtractor("pool1")
                .build()
                .convertDataType(DataType.DOUBLE); // TransferLearning makes a float graph of any
        assertSameResult(
                frozen, TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 7, 4, 1, 14, 14)));
    }

    @Test
    void layersFrozenByACall() {
        ComputationGraph start = denseGraph();
        start.getVertex("dense1").setLayerAsFrozen();
        start.getVertex("dense2").setLayerAsFrozen();
        assertSameResult(start, denseBatches());
    }

    @Test
    void layersFrozenWithBackprop() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense1", TestGraphs.dense(6, 8), "values")
                .addLayer("dense2", new FrozenLayerWithBackprop(TestGraphs.dense(8, 7)), "dense1")
                .addLayer("dense3", TestGraphs.dense(7, 6), "dense2")
                .addLayer("output", TestGraphs.softmax(6, 3), "dense3")
                .setOutputs("output")
                .build();
        assertSameResult(configuration);
    }

    private static Named<UnaryOperator<NeuralNetConfiguration.Builder>> named(
            String name, UnaryOperator<NeuralNetConfiguration.Builder> change) {
        return Named.of(name, change);
    }

    private static DenseLayer.Builder with(int in, int out) {
        return new DenseLayer.Builder().nIn(in).nOut(out);
    }

    private static ComputationGraph denseGraph() {
        return TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, s -> s));
    }

    private static List<MultiDataSet> denseBatches() {
        return TestData.several(4, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6));
    }

    private static void assertSameResult(ComputationGraphConfiguration configuration) {
        assertSameResult(TestGraphs.graph(configuration), denseBatches());
    }

    private static void assertSameResult(ComputationGraph start, List<MultiDataSet> batches) {
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 3; stages++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, stages, 3))
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, 1e-10);
            }
        }
    }
}
