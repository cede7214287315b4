package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A branched network is an ordinary graph. */
class BranchedGraphTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void branchesDoNotSeeEachOther(boolean shared) {
        ComputationGraph graph = graph(
                BranchSplitter.branches(3).sharedClassifier(shared).split(TestGraphs.residual(DataType.FLOAT, true)));
        INDArray image = TestData.values(DataType.FLOAT, 1, 2, 3, 8, 8);
        Map<String, INDArray> before = graph.feedForward(image, false);
        graph.paramTable().forEach((name, array) -> {
            if (name.startsWith("branch1-")) {
                array.addi(0.5);
            }
        });
        Map<String, INDArray> after = graph.feedForward(image, false);
        before.forEach((name, activation) -> {
            if (name.startsWith("branch0-") || name.startsWith("branch2-")) {
                assertThat(after.get(name)).as(name).isEqualTo(activation);
            }
        });
        assertThat(after.get("branch1-pool")).isNotEqualTo(before.get("branch1-pool"));
        assertThat(after.get("output")).isNotEqualTo(before.get("output"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void trainsInAPipelineAsWithPlainFit(boolean shared) {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(2).sharedClassifier(shared).split(TestGraphs.residual(DataType.DOUBLE, false));
        ComputationGraph start = graph(split);
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 4, 3, 8, 8));
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 3; stages++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.randomPlan(graph, stages, 3, stages))
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, 1e-10);
            }
        }
    }

    @Test
    void survivesItsFile() throws IOException {
        ComputationGraph graph =
                graph(BranchSplitter.branches(2).sharedClassifier(false).split(BranchGraphs.alexNet()));
        Path file = directory.resolve("branched.zip");
        graph.save(file.toFile());
        ComputationGraph loaded = ComputationGraph.load(file.toFile(), true);
        assertThat(BranchLayout.of(loaded.getConfiguration())).isEqualTo(BranchLayout.of(graph.getConfiguration()));
    }
}
