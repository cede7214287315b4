package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.OwnUpdater;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The updater that runs in pieces, in all workers: parameters, updater state and score as in plain fit. */
class UpdaterTest {
    private static final double TOLERANCE = 1e-10;
    private static final double FLOAT_TOLERANCE = 2e-5;

    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(0.1),
                new NoOp(),
                new Nesterovs(0.1, 0.9),
                new Adam(0.01),
                new AdaMax(0.01),
                new Nadam(0.01),
                new AMSGrad(0.01),
                new AdaGrad(0.1),
                new AdaDelta(),
                new RmsProp(0.01));
    }

    private static NeuralNetConfiguration.Builder settings() {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .activation(Activation.TANH)
                .updater(new Adam(0.01));
    }

    /** 300,000 parameters in one layer and a few in the others, so that a piece has parts of several layers. */
    private static ComputationGraph graph(NeuralNetConfiguration.Builder settings) {
        ComputationGraph graph = new ComputationGraph(settings.graphBuilder()
                .addInputs("in")
                .addLayer("first", new DenseLayer.Builder().nIn(8).nOut(300).build(), "in")
                .addLayer(
                        "norm",
                        new BatchNormalization.Builder().nIn(300).nOut(300).build(),
                        "first")
                .addLayer("large", new DenseLayer.Builder().nIn(300).nOut(1000).build(), "norm")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                                .nIn(1000)
                                .nOut(4)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "large")
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    private static List<MultiDataSet> batches() {
        return TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 6, 4, 8));
    }

    private static void assertSameTraining(ComputationGraph start) {
        trainBoth(start, (net, expected) -> SameResult.assertSame(net, expected, TOLERANCE));
    }

    private static void trainBoth(ComputationGraph start, BiConsumer<ComputationGraph, ComputationGraph> check) {
        List<MultiDataSet> batches = batches();
        ComputationGraph expected = SameResult.plain(start, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 1))
                .build()) {
            batches.forEach(net::fit);
            check.accept(net, expected);
        }
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void everyUpdater(IUpdater updater) {
        assertSameTraining(graph(settings().updater(updater).l1(1e-3).l2(1e-2)));
    }

    @ParameterizedTest
    @EnumSource(GradientNormalization.class)
    void gradientNormalization(GradientNormalization kind) {
        assertSameTraining(graph(settings()
                .gradientNormalization(kind)
                .gradientNormalizationThreshold(1e-3)
                .l2(1e-2)));
    }

    static Stream<UnaryOperator<NeuralNetConfiguration.Builder>> options() {
        return Stream.of(
                settings -> settings.weightDecay(1e-2),
                settings -> settings.weightDecay(1e-2, false).l1Bias(1e-2),
                settings -> settings.miniBatch(false),
                settings -> settings.regularization(List.of(new LargestOnly())));
    }

    @ParameterizedTest
    @MethodSource("options")
    void otherOptions(UnaryOperator<NeuralNetConfiguration.Builder> options) {
        assertSameTraining(graph(options.apply(settings())));
    }

    @Test
    void frozenLayersCountForNoScore() {
        ComputationGraph start =
                graph(settings().updater(new Nesterovs(0.1, 0.9)).l2(1e-2));
        ComputationGraph frozen = new TransferLearning.GraphBuilder(start)
                .setFeatureExtractor("first")
                .build();
        trainBoth(frozen, (net, expected) -> { // in float after transfer learning
            SameResult.assertSame(net.paramTable(), expected.paramTable(), FLOAT_TOLERANCE);
            assertThat(net.score()).isCloseTo(expected.score(), within(FLOAT_TOLERANCE * expected.score()));
        });
    }

    @Test
    void anUpdaterOfTheUsersOwn() {
        assertSameTraining(graph(settings().updater(new Centred()).l2(1e-2)));
    }

    @Test
    void aFailingUpdaterNamesItsParametersAndChangesNone() {
        ComputationGraph start = graph(settings().updater(new Failing()));
        INDArray before = start.params().dup();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 1))
                .build()) {
            assertThatThrownBy(() -> net.fit(batches().get(0)))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("_W")
                    .hasMessageContaining("out of order");
            assertThat(net.params()).isEqualTo(before);
        }
    }

    /** Adds to the gradient of the largest parameter only, so that a part of an array has another result than the whole. */
    public static final class LargestOnly implements Regularization {
        private static final long serialVersionUID = 1;

        @Override
        public ApplyStep applyStep() {
            return ApplyStep.BEFORE_UPDATER;
        }

        @Override
        public void apply(INDArray param, INDArray gradView, double lr, int iteration, int epoch) {
            long largest =
                    Nd4j.argMax(Transforms.abs(param.reshape(param.length()))).getLong(0);
            gradView.putScalar(largest, gradView.getDouble(largest) + 0.1);
        }

        @Override
        public double score(INDArray param, int iteration, int epoch) {
            return param.amaxNumber().doubleValue();
        }

        @Override
        public Regularization clone() {
            return new LargestOnly();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof LargestOnly;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    /** Needs a whole block of gradients. */
    public static final class Centred extends OwnUpdater {
        private static final long serialVersionUID = 1;

        @Override
        protected void apply(INDArray gradient) {
            gradient.subi(gradient.meanNumber());
        }
    }

    /** Fails. */
    public static final class Failing extends OwnUpdater {
        private static final long serialVersionUID = 1;

        @Override
        protected void apply(INDArray gradient) {
            throw new IllegalStateException("out of order");
        }
    }
}
