package io.github.dl4jpipeline.branch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;

class BranchTrainerTest {
    private final ComputationGraphConfiguration original = BranchGraphs.leNet5();
    private final BranchSplitter splitter = BranchSplitter.branches(2);
    private final List<BranchRound> reported = new ArrayList<>();

    @TempDir
    private Path directory;

    /** Networks of these widths have these accuracies; a network that is not here must not be trained. */
    private static BranchTrainer.Trial trial(Map<Long, Double> accuracyOfLastWidth) {
        return graph -> {
            long width = graph.layerInputSize("output");
            assertThat(accuracyOfLastWidth).containsKey(width);
            graph.params().assign(width);
            return accuracyOfLastWidth.get(width);
        };
    }

    // 84 / 2 * 1.1 = 46.2, 84 / 2 * 1.2 = 50.4, 84 / 2 * 1.3 = 54.6
    private static final long SHARE = 2 * 42;
    private static final long PLUS_10 = 2 * 46;
    private static final long PLUS_20 = 2 * 50;
    private static final long PLUS_30 = 2 * 55;

    @Test
    void stopsAtTheFirstNetworkWithinEpsilon() {
        BranchTraining training = BranchTrainer.of(splitter)
                .epsilon(0.03)
                .onRound(reported::add)
                .train(original, 0.90, trial(Map.of(SHARE, 0.80, PLUS_10, 0.8699, PLUS_20, 0.871)));
        assertThat(training.withinEpsilon()).isTrue();
        assertThat(training.rounds()).extracting(BranchRound::fattening).containsExactly(0.0, 0.1, 0.2);
        assertThat(training.rounds()).extracting(BranchRound::accuracy).containsExactly(0.80, 0.8699, 0.871);
        assertThat(training.rounds()).isEqualTo(reported);
        assertThat(training.graph().layerInputSize("output")).isEqualTo(PLUS_20);
        assertThat(training.rounds().get(0).parameters()).isEqualTo(31466);
        assertThat(reported.get(1).describe())
                .startsWith("2 branches, fattened by 10 %: ")
                .contains("accuracy 0.8699");
    }

    @Test
    void givesTheBestIfNoneIsAccurateEnough() {
        BranchTraining training = BranchTrainer.of(splitter)
                .rounds(3)
                .train(original, 0.90, trial(Map.of(SHARE, 0.5, PLUS_10, 0.7, PLUS_20, 0.6)));
        assertThat(training.withinEpsilon()).isFalse();
        assertThat(training.rounds()).hasSize(3);
        assertThat(training.graph().layerInputSize("output")).isEqualTo(PLUS_10);
        assertThat(training.graph().params().getDouble(0)).isEqualTo(PLUS_10);
    }

    @Test
    void takesAMultiLayerConfiguration() {
        MultiLayerConfiguration layers = TestGraphs.settings(DataType.FLOAT)
                .list()
                .layer(TestGraphs.dense(6, 8))
                .layer(TestGraphs.softmax(8, 3))
                .build();
        BranchTraining training = BranchTrainer.of(splitter).train(layers, graph -> 0.5);
        assertThat(training.withinEpsilon()).isTrue();
        assertThat(training.rounds()).extracting(BranchRound::branches).containsExactly(2);
    }

    @Test
    void trainsTheOriginalFirst() {
        BranchTraining training = BranchTrainer.of(splitter)
                .onRound(reported::add)
                .train(original, graph -> graph.getConfiguration().getVertices().containsKey("join") ? 0.5 : 0.52);
        assertThat(training.originalAccuracy()).isEqualTo(0.52);
        assertThat(reported).extracting(BranchRound::branches).containsExactly(1, 2);
        assertThat(reported.get(0).parameters()).isEqualTo(61706);
    }

    @Test
    void goesOnWhereItWasInterrupted() {
        BranchTrainer trainer = BranchTrainer.of(splitter).directory(directory).onRound(reported::add);
        assertThatThrownBy(() -> trainer.train(original, graph -> {
                    if (graph.layerInputSize("output") == PLUS_10) {
                        throw new IllegalStateException("power cut");
                    }
                    return graph.getConfiguration().getVertices().containsKey("join") ? 0.5 : 0.9;
                }))
                .hasMessage("power cut");

        BranchTraining training = trainer.train(original, trial(Map.of(PLUS_10, 0.6, PLUS_20, 0.88)));
        assertThat(training.originalAccuracy()).isEqualTo(0.9);
        assertThat(training.rounds()).extracting(BranchRound::accuracy).containsExactly(0.5, 0.6, 0.88);
        assertThat(reported).extracting(BranchRound::fattening).containsExactly(0.0, 0.0, 0.1, 0.2);

        BranchTraining stricter = trainer.epsilon(0).train(original, trial(Map.of(PLUS_30, 0.91)));
        assertThat(stricter.rounds()).hasSize(4);
        BranchTraining again = trainer.epsilon(0.03).train(original, trial(Map.of()));
        assertThat(again.graph().params().getDouble(0)).isEqualTo(PLUS_20);

        assertThatThrownBy(() -> BranchTrainer.of(BranchSplitter.branches(4))
                        .directory(directory)
                        .train(original, trial(Map.of())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(directory + " has rounds of another network or another split");
    }

    @Test
    void trainsInAPipeline() {
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 16, 4, 1, 14, 14);
        BranchTraining training = BranchTrainer.of(splitter)
                .epsilon(1)
                .train(TestGraphs.leNet(DataType.FLOAT), graph -> {
                    try (PipelineComputationGraph net =
                            PipelineComputationGraph.builder(graph).stages(2).build()) {
                        net.fit(batch);
                    }
                    return 0.5;
                });
        ComputationGraph graph = training.graph();
        assertThat(graph.getIterationCount()).isEqualTo(1);
    }
}
