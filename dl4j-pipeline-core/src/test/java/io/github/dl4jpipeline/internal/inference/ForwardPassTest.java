package io.github.dl4jpipeline.internal.inference;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.Arrays;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;

/** Forward passes with vertices on several workers beside {@code graph.output}. */
class ForwardPassTest {
    private static final DataType TYPE = DataType.DOUBLE;

    private final DeviceWorkers workers = new DeviceWorkers(Devices.cpu(3));

    @AfterEach
    void closeWorkers() {
        workers.close();
    }

    private ForwardPass pass(ComputationGraph graph, Kernels kernels) {
        VertexGraph vertices = VertexGraph.of(graph);
        double[] millis = new double[vertices.size()];
        Arrays.fill(millis, 1);
        ForwardSchedule schedule = ForwardSchedule.of(vertices, millis, 3, 0);
        assertThat(schedule.positions()).hasSizeGreaterThan(1);
        return new ForwardPass(graph, KernelChoice.all(kernels), schedule, workers);
    }

    private static MicroBatch batch(MultiDataSet data) {
        return MicroBatch.whole(
                data.getFeatures(), new INDArray[0], data.getFeaturesMaskArrays(), data.getLabelsMaskArrays());
    }

    private static void assertSame(ForwardPass pass, ComputationGraph graph, MultiDataSet data) {
        INDArray[] expected =
                graph.output(false, data.getFeatures(), data.getFeaturesMaskArrays(), data.getLabelsMaskArrays());
        INDArray[] actual = pass.outputs(batch(data), null);
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(SameResult.difference(actual[i], expected[i])).isLessThanOrEqualTo(1e-10);
        }
    }

    private static MultiDataSet images(int examples) {
        return TestData.classification(TYPE, examples, examples, 4, 3, 8, 8);
    }

    @ParameterizedTest
    @EnumSource(Kernels.class)
    void residual(Kernels kernels) {
        assertEquals(TestGraphs.residual(TYPE, true), kernels);
    }

    @ParameterizedTest
    @EnumSource(Kernels.class)
    void branches(Kernels kernels) {
        assertEquals(BranchSplitter.branches(3).split(TestGraphs.residual(TYPE, true)), kernels);
    }

    private void assertEquals(ComputationGraphConfiguration configuration, Kernels kernels) {
        ComputationGraph graph = graph(configuration);
        graph.fit(images(8));
        try (ForwardPass pass = pass(graph, kernels)) {
            for (int examples : new int[] {1, 1, 5, 2}) {
                assertSame(pass, graph, images(examples));
            }
            graph.fit(images(8));
            assertSame(pass, graph, images(1));
        }
    }

    @Test
    void severalInputsAndOutputs() {
        ComputationGraph graph = graph(TestGraphs.twoInputsTwoOutputs(TYPE));
        try (ForwardPass pass = pass(graph, Kernels.FAST)) {
            for (int examples : new int[] {1, 3}) {
                assertSame(pass, graph, TestData.twoInputsTwoOutputs(TYPE, 1, examples));
            }
        }
    }

    @Test
    void goesOnAfterAFailure() {
        ComputationGraph graph = graph(TestGraphs.residual(TYPE, true));
        try (ForwardPass pass = pass(graph, Kernels.FAST)) {
            assertThatThrownBy(() -> pass.outputs(batch(TestData.classification(TYPE, 1, 2, 4, 2, 8, 8)), null))
                    .isInstanceOf(DL4JInvalidInputException.class)
                    .hasMessageContaining("stem");
            assertSame(pass, graph, images(2));
            workers.all(3, worker -> graph.clone().output(images(1).getFeatures()));
        }
    }
}
