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
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Window;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.Random;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Pooling by maximum: its errors, and the derivative of a ReLU before it. */
class MaxPoolingTest {
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

    /** Beside oneDNN's own code, over sizes of windows and maps; maxima that are there twice among them. */
    @ParameterizedTest
    @CsvSource({
        "2, 2, 0, 8, 6, 1",
        "2, 2, 0, 7, 9, 8",
        "3, 2, 0, 7, 9, 8",
        "3, 2, 1, 8, 8, 8",
        "3, 1, 1, 5, 4, 8",
        "2, 3, 0, 8, 8, 8",
        "5, 3, 2, 9, 10, 8",
        "7, 7, 0, 7, 7, 8",
        "3, 2, 1, 8, 8, 1"
    })
    void errorsAsOneDnns(int kernel, int stride, int padding, int height, int width, int block) {
        long down = (height + 2L * padding - kernel) / stride + 1;
        long across = (width + 2L * padding - kernel) / stride + 1;
        Layout input = Layout.ofBlocks(block, 3, 11, height, width);
        Window window = Window.giving(
                new long[] {down, across},
                new long[] {height, width},
                new long[] {kernel, kernel},
                new long[] {stride, stride},
                new long[] {1, 1},
                new long[] {padding, padding});
        Pooling pooling = Pooling.reading(input, Pooling.Kind.MAX, window, new long[] {3, 11, down, across});
        assumeTrue(pooling != null && pooling.numbersPlaces(), "oneDNN has only slow code for it");
        MaximaErrors own = MaximaErrors.of(pooling, input, window);
        INDArray places = Nd4j.create(DataType.FLOAT, pooling.workspaceBytes());
        INDArray errors = maps(pooling.output(), 2);
        INDArray expected = maps(input, 3);
        INDArray actual = maps(input, 4);
        try (Primitive forward = pooling.forward();
                Primitive backward = pooling.backward()) {
            forward.with(Slot.INPUT, maps(input, 1)).with(Slot.OUTPUT, maps(pooling.output(), 5));
            run(forward.with(Slot.WORKSPACE, places));
            backward.with(Slot.OUTPUT_ERROR, errors).with(Slot.INPUT_ERROR, expected);
            run(backward.with(Slot.WORKSPACE, places));
            own.run(errors, places, actual);
        }
        assertThat(actual).isEqualTo(expected);
    }

    private static void run(Primitive primitive) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, Nd4j.create(DataType.FLOAT, primitive.scratchFloats()));
        }
        primitive.run();
    }

    /** Few different whole numbers, so that sums are exact. */
    private static INDArray maps(Layout layout, long seed) {
        Random random = new Random(seed);
        float[] values = new float[(int) layout.floats()];
        int map = (int) (layout.shape()[2] * layout.shape()[3]);
        int block = layout.channelBlock();
        int blocks = (int) ((layout.shape()[1] + block - 1) / block);
        for (int i = 0; i < values.length; i++) {
            int channel = i / (map * block) % blocks * block + i % block;
            values[i] = channel < layout.shape()[1] ? random.nextInt(9) - 4 : 0; // 0 is what pads blocks
        }
        return Nd4j.createFromArray(values);
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
