package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Maxima of what a ReLU has put out, which apply its derivative. */
class RectifiedPoolingTest {
    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    /** Windows that overlap, and a convolution that another vertex reads, too. */
    private static ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .activation(Activation.RELU)
                .weightInit(WeightInit.RELU)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(13, 13, 3))
                .addLayer("alone", TestGraphs.convolution(12), "image")
                .addLayer(
                        "overlapping",
                        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                                .kernelSize(3, 3)
                                .stride(2, 2)
                                .build(),
                        "alone")
                .addLayer("read twice", TestGraphs.convolution(10), "overlapping")
                .addLayer("pool", TestGraphs.maxPool(), "read twice")
                .addLayer("beside", TestGraphs.maxPool(), "read twice")
                .addLayer("further", TestGraphs.convolution(6), "read twice")
                .addLayer("pool of further", TestGraphs.maxPool(), "further")
                .addLayer("output", TestGraphs.softmax(4), "pool", "beside", "pool of further")
                .setOutputs("output")
                .build());
    }

    static Stream<Arguments> plans() {
        return Stream.of(
                Arguments.of(1, 1, Schedules.oneForwardOneBackward()),
                Arguments.of(1, 2, Schedules.zeroBubble()),
                Arguments.of(3, 3, Schedules.oneForwardOneBackward()),
                Arguments.of(4, 3, Schedules.zeroBubble()));
    }

    @ParameterizedTest
    @MethodSource("plans")
    void sameGradient(int stages, int microBatches, Schedule schedule) {
        ComputationGraph graph = graph();
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 7, 4, 3, 13, 13);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, stages, microBatches))
                .schedule(schedule)
                .build()) {
            SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
        }
    }

    private static Value value(float[] values, boolean rectified) {
        return new Value(Nd4j.createFromArray(values), Layout.rowMajor(1, 1, 2, values.length / 2), rectified);
    }

    /** The error of a maximum of 0 goes nowhere, and that of others to their places. */
    @Test
    void errorsOfTheInputOfTheRelu() {
        Space space = new Space(LayerWorkspaceMgr.noWorkspaces());
        try (EnginePooling pooling = EnginePooling.ofWholeMaps(Pooling.Kind.MAX)) {
            for (boolean rectified : new boolean[] {true, false}) {
                for (float most : new float[] {0, 2}) {
                    Value[] inputs = {value(new float[] {0, most, 0, 0}, rectified)};
                    assertThat(pooling.forward(inputs, true, space)).isNotNull();
                    Value error = new Value(Nd4j.createFromArray(5f), Layout.rowMajor(1, 1, 1, 1));
                    Value ofInput = pooling.backward(error, new boolean[] {true}, false, space)[0];
                    assertThat(ofInput.rectified()).isEqualTo(rectified);
                    INDArray values = ofInput.values();
                    assertThat(values.sumNumber().floatValue()).isEqualTo(rectified && most == 0 ? 0 : 5);
                }
            }
        }
    }

    @Test
    void aSumOfErrorsIsNot() {
        Value error = value(new float[4], true);
        assertThat(error.asSum().rectified()).isFalse();
        assertThat(error.asSum().values()).isSameAs(error.values());
        assertThat(error.copy(INDArray::dup).rectified()).isTrue();
    }
}
