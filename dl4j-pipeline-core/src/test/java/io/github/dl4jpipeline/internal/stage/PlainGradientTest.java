package io.github.dl4jpipeline.internal.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class PlainGradientTest {
    private static final MultiDataSet BATCH = TestData.classification(DataType.FLOAT, 1, 11, 3, 6);

    private static MicroBatch batch() {
        return MicroBatch.whole(
                BATCH.getFeatures(), BATCH.getLabels(), BATCH.getFeaturesMaskArrays(), BATCH.getLabelsMaskArrays());
    }

    private static Stream<Named<IDropout>> dropouts() {
        return Stream.of(
                Named.of("dropout", new Dropout(0.6)),
                Named.of("alpha dropout", new AlphaDropout(0.6)),
                Named.of("Gaussian dropout", new GaussianDropout(0.3)),
                Named.of("Gaussian noise", new GaussianNoise(0.2)));
    }

    @ParameterizedTest
    @MethodSource("dropouts")
    void inDoubleNoiseIsThatOfFloat(IDropout dropout) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(
                DataType.FLOAT, settings -> settings.dropOut(dropout).weightNoise(new DropConnect(0.7))));
        try (PlainGradient inFloat = PlainGradient.of(graph, batch(), DataType.FLOAT);
                PlainGradient inDouble = PlainGradient.of(graph, batch(), DataType.DOUBLE)) {
            assertThat(inDouble.arrays().keySet())
                    .containsExactlyElementsOf(inFloat.arrays().keySet());
            inFloat.arrays().forEach((name, array) -> {
                ArrayDifference difference = ArrayDifference.of(
                        array.castTo(DataType.DOUBLE), inDouble.arrays().get(name));
                assertThat(difference.relative()).as(name).isLessThan(1e-5);
            });
            assertThat(inDouble.arrays().get("dense1_W").dataType()).isEqualTo(DataType.DOUBLE);
        }
    }

    @Test
    void nothingOfTheGraphIsChangedAndMemoryIsFreed() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings));
        graph.fit(BATCH);
        INDArray parameters = graph.params().dup();
        INDArray gradients = graph.getFlattenedGradients().dup();
        double score = graph.score();
        PlainGradient gradient = PlainGradient.of(graph, batch(), DataType.FLOAT);
        INDArray array = gradient.arrays().get("dense1_W");
        assertThat(gradient.score()).isNotEqualTo(score);
        gradient.close();
        assertThat(array.wasClosed()).isTrue();
        assertThat(graph.params()).isEqualTo(parameters);
        assertThat(graph.getFlattenedGradients()).isEqualTo(gradients);
        assertThat(graph.score()).isEqualTo(score);
        assertThat(graph.getIterationCount()).isEqualTo(1);
    }
}
