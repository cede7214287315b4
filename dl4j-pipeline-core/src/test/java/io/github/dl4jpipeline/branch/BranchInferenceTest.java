package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class BranchInferenceTest {
    private static final double TOLERANCE = 1e-6;

    /** A residual network with batch normalization, in float, whose running statistics have seen data. */
    private static ComputationGraph residual(int branches, boolean shared) {
        ComputationGraph graph = graph(BranchSplitter.branches(branches)
                .sharedClassifier(shared)
                .split(TestGraphs.residual(DataType.FLOAT, true)));
        graph.fit(TestData.classification(DataType.FLOAT, 5, 8, 4, 3, 8, 8));
        return graph;
    }

    @ParameterizedTest
    @CsvSource({"2, true, FAST", "2, false, FAST", "4, true, FAST", "4, false, STOCK", "1, true, STOCK"})
    void equalsSequentialOutput(int branches, boolean shared, Kernels kernels) {
        ComputationGraph graph = residual(branches, shared);
        try (BranchInference inference = BranchInference.of(graph, Devices.cpu(2), kernels)) {
            assertThat(inference.branches()).isEqualTo(branches);
            for (int batch : new int[] {1, 5, 1}) {
                INDArray image = TestData.values(DataType.FLOAT, batch, batch, 3, 8, 8);
                INDArray kept = image.dup();
                assertThat(SameResult.difference(inference.output(image), graph.outputSingle(image)))
                        .isLessThanOrEqualTo(TOLERANCE);
                assertThat(image).isEqualTo(kept);
            }
        }
    }

    @Test
    void takesSeveralInputs() {
        ComputationGraph graph = graph(BranchSplitter.branches(2).split(BranchGraphs.twoInputs()));
        INDArray image = TestData.values(DataType.DOUBLE, 1, 2, 1, 6, 6);
        INDArray values = TestData.values(DataType.DOUBLE, 2, 2, 3);
        try (BranchInference inference = BranchInference.of(graph, Devices.cpu(2))) {
            assertThat(SameResult.difference(inference.output(image, values), graph.outputSingle(image, values)))
                    .isLessThanOrEqualTo(TOLERANCE);
            assertThatThrownBy(() -> inference.output(image))
                    .hasMessageContaining("inputs [image, values], got 1 arrays");
        }
    }

    @Test
    void exchangesInputAndLastActivationsOnly() {
        ComputationGraph graph = graph(BranchSplitter.branches(4).split(BranchGraphs.leNet5()));
        try (BranchInference inference = BranchInference.of(graph, Devices.cpu(2))) {
            BranchOutput result = inference.run(TestData.values(DataType.FLOAT, 1, 3, 1, 28, 28));
            assertThat(result.inputBytes()).isEqualTo(3 * 28 * 28 * 4);
            assertThat(result.activationBytes()).isEqualTo(3 * 84 * 4);
            assertThat(result.exchangedBytes()).isEqualTo(3 * (28 * 28 + 84) * 4);
        }
    }

    @Test
    void servesConcurrentCallers() throws Exception {
        ComputationGraph graph = residual(2, true);
        ExecutorService callers = Executors.newFixedThreadPool(4);
        try (BranchInference inference = BranchInference.of(graph, Devices.cpu(2))) {
            List<INDArray> images = new ArrayList<>();
            List<Future<INDArray>> outputs = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                INDArray image = TestData.values(DataType.FLOAT, i, 1 + i % 3, 3, 8, 8);
                images.add(image);
                outputs.add(callers.submit(() -> inference.output(image)));
            }
            for (int i = 0; i < images.size(); i++) {
                assertThat(SameResult.difference(outputs.get(i).get(), graph.outputSingle(images.get(i))))
                        .isLessThanOrEqualTo(TOLERANCE);
            }
        } finally {
            callers.shutdownNow();
        }
    }

    @Test
    void namesTheBranchThatFailsAndGoesOn() {
        ComputationGraph graph = residual(2, true);
        INDArray right = TestData.values(DataType.FLOAT, 1, 1, 3, 8, 8);
        INDArray wrong = TestData.values(DataType.FLOAT, 1, 1, 2, 8, 8);
        BranchInference inference = BranchInference.of(graph, Devices.cpu(2));
        assertThatThrownBy(() -> inference.output(wrong))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageMatching("(?s)branch [01] of 2 on cpu-[01] failed: .*");
        assertThat(inference.output(right).shape()).containsExactly(1, 4);
        inference.close();
        inference.close();
        assertThatThrownBy(() -> inference.output(right)).hasMessageContaining("closed");
    }

    @Test
    void namesWhatConnectsBranches() {
        ComputationGraph whole = graph(TestGraphs.residual(DataType.FLOAT, false));
        assertThatThrownBy(() -> BranchInference.of(whole, Devices.cpu(2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'stem' belongs to the branches 0 and 1");
        ComputationGraph chain = graph(TestGraphs.leNet(DataType.FLOAT));
        assertThatThrownBy(() -> BranchInference.of(chain, Devices.cpu(2))).hasMessageContaining("is a chain");
    }
}
