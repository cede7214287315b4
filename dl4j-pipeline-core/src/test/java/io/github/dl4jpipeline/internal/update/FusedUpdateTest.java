package io.github.dl4jpipeline.internal.update;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/** The update in one pass against Deeplearning4j's, of a layer with 12,005 parameters. */
class FusedUpdateTest {
    private static final int EXAMPLES = 24;
    private static final int STEPS = 4;

    /** Some units in the last place of a float: the order of operations and ND4J's roots differ. */
    private static final double CLOSE = 3e-6;

    static Stream<Arguments> updates() {
        List<List<Regularization>> regularizations = List.of(
                List.of(),
                List.of(new L2Regularization(0.01)),
                List.of(new L1Regularization(0.02), new L2Regularization(0.03), new WeightDecay(0.04, true)),
                List.of(new WeightDecay(0.05, false)));
        return Stream.of(
                        new Sgd(0.1),
                        new Nesterovs(0.1, 0.9),
                        new RmsProp(0.1, 0.96, 1e-3),
                        new Adam(0.01),
                        new Adam(0))
                .flatMap(updater -> regularizations.stream()
                        .flatMap(terms -> Stream.of(true, false).map(summed -> Arguments.of(updater, terms, summed))));
    }

    @ParameterizedTest
    @MethodSource("updates")
    void equalsTheUpdateOfDeeplearning4j(IUpdater updater, List<Regularization> terms, boolean summed) {
        Nd4j.getRandom().setSeed(7);
        MultiLayerNetwork expected = net(updater, terms, DataType.FLOAT);
        MultiLayerNetwork fused = expected.clone();
        fused.setParams(expected.params());
        List<UpdatePiece> pieces = pieces(fused, summed);
        assertThat(pieces).allSatisfy(piece -> assertThat(piece.fused()).isNotEmpty());
        for (int iteration = 0; iteration < STEPS; iteration++) {
            INDArray gradient = Nd4j.randn(DataType.FLOAT, expected.numParams());
            gradient(expected).assign(summed ? gradient.div(EXAMPLES) : gradient);
            gradient(fused).assign(gradient);
            for (UpdaterBlock block : updater(expected).getUpdaterBlocks()) {
                block.update(iteration, 0);
            }
            expected.params().reshape(expected.numParams()).subi(gradient(expected));
            boolean subtract = iteration % 2 == 0;
            INDArray before = fused.params().dup();
            List<Runnable> rest = new ArrayList<>();
            for (UpdatePiece piece : pieces) {
                rest.add(piece.update(iteration, 0, EXAMPLES, subtract));
            }
            assertThat(fused.params()).isEqualTo(before);
            rest.forEach(Runnable::run);
            assertThat(difference(gradient(fused), gradient(expected))).isLessThan(CLOSE);
            if (!subtract) {
                assertThat(fused.params()).isEqualTo(before);
                fused.params().reshape(fused.numParams()).subi(gradient(fused));
            }
        }
        assertThat(difference(fused.params(), expected.params())).isLessThan(CLOSE);
        if (updater(expected).getStateViewArray() != null) {
            assertThat(difference(
                            updater(fused).getStateViewArray(),
                            updater(expected).getStateViewArray()))
                    .isLessThan(CLOSE);
        }
    }

    @Test
    void signOfZeroIsZeroAndThatOfTheSmallestNumberIsNot() {
        MultiLayerNetwork net = net(new Sgd(1), List.of(new L1Regularization(0.5)), DataType.FLOAT);
        net.params().assign(0);
        net.params().putScalar(0, Float.MIN_VALUE);
        net.params().putScalar(1, -Float.MIN_VALUE);
        gradient(net).assign(0);
        pieces(net, false).forEach(piece -> piece.update(0, 0, 1, false).run());
        assertThat(gradient(net)
                        .reshape(net.numParams())
                        .get(NDArrayIndex.interval(0, 4))
                        .toFloatVector())
                .containsExactly(0.5f, -0.5f, 0, 0);
    }

    @Test
    void otherTypesAndUpdatersAreLeftToDeeplearning4j() {
        assertThat(pieces(net(new Adam(), List.of(), DataType.DOUBLE), true))
                .allSatisfy(piece -> assertThat(piece.fused()).isEmpty());
        assertThat(pieces(net(new AdaGrad(), List.of(), DataType.FLOAT), true))
                .allSatisfy(piece -> assertThat(piece.fused()).isEmpty());
    }

    private static MultiLayerNetwork net(IUpdater updater, List<Regularization> terms, DataType type) {
        OutputLayer layer =
                new OutputLayer.Builder().nIn(2400).nOut(5).updater(updater).build();
        layer.setRegularization(terms);
        layer.setRegularizationBias(terms);
        MultiLayerNetwork net = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(5)
                .dataType(type)
                .list(layer)
                .build());
        net.init();
        net.initGradientsView();
        return net;
    }

    private static MultiLayerUpdater updater(MultiLayerNetwork net) {
        return (MultiLayerUpdater) net.getUpdater();
    }

    private static INDArray gradient(MultiLayerNetwork net) {
        return net.getFlattenedGradients().reshape(net.numParams());
    }

    private static List<UpdatePiece> pieces(MultiLayerNetwork net, boolean summed) {
        return UpdatePiece.of(
                updater(net).getUpdaterBlocks(), net.params().reshape(net.numParams()), gradient(net), layer -> summed);
    }

    private static double difference(INDArray actual, INDArray expected) {
        ArrayDifference difference = ArrayDifference.of(actual, expected);
        return difference.largestDifference() / Math.max(1e-6, difference.largestExpected());
    }
}
