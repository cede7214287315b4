package io.github.dl4jpipeline.internal.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PrimitiveTest {
    private static final int CYCLES = 200;

    @BeforeEach
    void oneDnnIsThere() {
        assumeThat(OneDnn.isAvailable()).isTrue();
    }

    private static Primitive dense() {
        return new Dense(2, 3, 4, true).forward(Activation.IDENTITY);
    }

    private static INDArray floats(int count) {
        return Nd4j.ones(DataType.FLOAT, count);
    }

    private static void run(Primitive primitive, INDArray output) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, floats((int) primitive.scratchFloats()));
        }
        primitive
                .with(Slot.INPUT, floats(6))
                .with(Slot.WEIGHTS, floats(12))
                .with(Slot.BIAS, floats(4))
                .with(Slot.OUTPUT, output)
                .run();
    }

    @Test
    void computesAgainAndAgain() {
        try (Primitive primitive = dense()) {
            for (int i = 0; i < 3; i++) {
                INDArray output = Nd4j.createUninitialized(DataType.FLOAT, 2, 4);
                run(primitive, output);
                assertThat(output).isEqualTo(Nd4j.valueArrayOf(new long[] {2, 4}, 4, DataType.FLOAT));
            }
        }
    }

    @Test
    void afterCloseNothingRunsAndASecondCloseDoesNothing() {
        Primitive primitive = dense();
        primitive.close();
        primitive.close();
        assertThatThrownBy(() -> primitive.with(Slot.INPUT, floats(6)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(primitive::run)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void anArrayThatIsTooSmallIsRefused() {
        try (Primitive primitive = dense()) {
            assertThatThrownBy(() -> primitive.with(Slot.INPUT, floats(5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("INPUT has 5 elements");
        }
    }

    @Test
    void anArgumentThatItDoesNotTakeIsRefused() {
        try (Primitive primitive = dense()) {
            assertThatThrownBy(() -> primitive.with(Slot.WORKSPACE, floats(5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("takes no WORKSPACE");
        }
    }

    @Test
    void aMissingArgumentIsNamedAlsoAfterARun() {
        try (Primitive primitive = dense()) {
            run(primitive, floats(8));
            primitive.with(Slot.INPUT, floats(6));
            assertThatThrownBy(primitive::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is not set");
        }
    }

    @Test
    void layoutsAreEqualByWhatTheySay() {
        assertThat(Layout.rowMajor(2, 3))
                .isEqualTo(Layout.strided(new long[] {2, 3}, new long[] {3, 1}))
                .isNotEqualTo(Layout.strided(new long[] {2, 3}, new long[] {1, 2}))
                .isNotEqualTo(Layout.rowMajor(3, 2));
    }

    /** While the collector runs, which must not free what is in use; and nothing is left. */
    @Test
    void manyLivesLeaveNoMemory() throws InterruptedException {
        AtomicBoolean ended = new AtomicBoolean();
        Thread garbage = new Thread(() -> {
            long sum = 0;
            for (int i = 0; !ended.get(); i++) {
                sum += new byte[100_000].length;
                if (i % 50_000 == 0) {
                    System.gc();
                }
            }
            assertThat(sum).isPositive();
        });
        garbage.start();
        try {
            live(CYCLES / 4);
            long before = Pointer.physicalBytes();
            live(CYCLES);
            assertThat(Pointer.physicalBytes() - before).isLessThan(64L << 20);
        } finally {
            ended.set(true);
            garbage.join();
        }
    }

    /** A convolution forward and backward, made anew each time. */
    private static void live(int cycles) {
        long[] maps = {8, 16, 24, 24};
        long[] weights = {32, 16, 3, 3};
        Window window = new Window(
                new long[] {3, 3}, new long[] {1, 1}, new long[] {1, 1}, new long[] {1, 1}, new long[] {1, 1});
        Convolution.Shape shape =
                new Convolution.Shape(maps, new long[] {8, 32, 24, 24}, weights, window, true, true, false);
        INDArray bias = Nd4j.ones(DataType.FLOAT, 32);
        for (int i = 0; i < cycles; i++) {
            Convolution convolution =
                    Convolution.reading(Layout.rowMajor(maps), shape, new Activation(Activation.Function.RELU, 0));
            try (Primitive forward = convolution.forward();
                    Primitive backward = convolution.backward();
                    Primitive gradient = convolution.gradient()) {
                INDArray input = ones(convolution.input());
                INDArray output = ones(convolution.output());
                run(forward.with(Slot.INPUT, input)
                        .with(Slot.WEIGHTS, ones(convolution.forwardWeights()))
                        .with(Slot.BIAS, bias)
                        .with(Slot.OUTPUT, output));
                assertThat(output.maxNumber().intValue()).isEqualTo(16 * 9 + 1);
                run(backward.with(Slot.OUTPUT_ERROR, output)
                        .with(Slot.WEIGHTS, ones(convolution.backwardWeights()))
                        .with(Slot.INPUT_ERROR, input));
                run(gradient.with(Slot.INPUT, input)
                        .with(Slot.OUTPUT_ERROR, output)
                        .with(Slot.WEIGHT_GRADIENT, ones(convolution.gradientWeights()))
                        .with(Slot.BIAS_GRADIENT, bias.dup()));
            }
        }
    }

    private static INDArray ones(Layout layout) {
        return floats((int) layout.floats());
    }

    private static void run(Primitive primitive) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, floats((int) primitive.scratchFloats()));
        }
        primitive.run();
    }
}
