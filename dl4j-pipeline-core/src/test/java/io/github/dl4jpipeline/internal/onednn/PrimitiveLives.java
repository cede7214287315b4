package io.github.dl4jpipeline.internal.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Makes, runs and frees primitives again and again, while another thread makes garbage. Ends with status 0 if no memory grows. */
final class PrimitiveLives {
    private static final int CYCLES = 200;

    private PrimitiveLives() {}

    public static void main(String[] args) throws InterruptedException {
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
        garbage.setDaemon(true);
        garbage.start();
        live(CYCLES / 4);
        long before = Pointer.physicalBytes();
        live(CYCLES);
        long grown = Pointer.physicalBytes() - before;
        ended.set(true);
        garbage.join();
        System.out.println("grown by " + grown + " bytes");
        System.exit(grown < 64L << 20 ? 0 : 1);
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

    private static INDArray floats(int count) {
        return Nd4j.ones(DataType.FLOAT, count);
    }
}
