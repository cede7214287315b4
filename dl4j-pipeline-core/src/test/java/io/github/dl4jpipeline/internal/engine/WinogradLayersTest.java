package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Networks with so many channels that their convolutions run by Winograd's algorithm. */
class WinogradLayersTest {
    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    private static ComputationGraph wide() {
        return TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .activation(Activation.RELU)
                .weightInit(WeightInit.RELU)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(12, 10, 64))
                .addLayer("conv1", TestGraphs.convolution(136), "image")
                .addLayer("conv2", TestGraphs.convolution(136), "conv1")
                .addLayer("pool", TestGraphs.maxPool(), "conv2")
                .addLayer("conv3", TestGraphs.convolution(100), "pool")
                .addLayer("output", TestGraphs.softmax(4), "conv3")
                .setOutputs("output")
                .build());
    }

    /** 23 examples: micro-batches of different sizes, which take different codes where one has too few tiles. */
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 3", "2, 3", "3, 8"})
    void sameGradient(int stages, int microBatches) {
        ComputationGraph graph = wide();
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 23, 4, 64, 12, 10);
        for (int trial = 0; trial < 2; trial++) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plan(SameResult.evenPlan(graph, stages, microBatches))
                    .schedule(trial == 0 ? Schedules.zeroBubble() : Schedules.oneForwardOneBackward())
                    .build()) {
                Map<String, INDArray> gradient = SameResult.gradient(net, batch);
                SameResult.assertSameGradient(gradient, graph, batch);
                graph.params().muli(1.01); // weights are transformed anew
                SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
            }
        }
    }

    /** Else the other tests here would show nothing. */
    @Test
    void preciseKernelsRoundOtherwise() {
        ComputationGraph graph = wide();
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 23, 4, 64, 12, 10);
        assertThat(weightGradient(graph, batch, Kernels.PRECISE))
                .isEqualTo(weightGradient(graph, batch, Kernels.PRECISE))
                .isNotEqualTo(weightGradient(graph, batch, Kernels.FAST));
    }

    private static byte[] weightGradient(ComputationGraph graph, MultiDataSet batch, Kernels kernels) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 1, 1))
                .kernels(kernels)
                .build()) {
            return SameResult.gradient(net, batch).get("conv2_W").data().asBytes();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2"})
    void sameParametersOnReplicas(int stages, int replicas) {
        ComputationGraph start = wide();
        List<MultiDataSet> batches =
                TestData.several(2, seed -> TestData.classification(DataType.FLOAT, seed, 24, 4, 64, 12, 10));
        ComputationGraph expected = SameResult.plain(start, batches);
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, Collections.nCopies(stages, replicas), 4))
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 2e-5);
        }
    }
}
