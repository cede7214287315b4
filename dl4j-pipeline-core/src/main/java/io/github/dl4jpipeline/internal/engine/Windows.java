package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Window;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.jspecify.annotations.Nullable;

/**
 * How a layer's window goes over maps, by its configuration: height before width in each array.
 *
 * @param padding on both sides, unless the mode says otherwise
 */
@SuppressWarnings("ArrayRecordComponent") // as Deeplearning4j has them
record Windows(int[] kernel, int[] stride, int[] padding, int[] dilation, ConvolutionMode mode) {

    /** One that sees each place on its own. */
    static Windows ofPlaces() {
        int[] one = {1, 1};
        return new Windows(one, one, new int[] {0, 0}, one, ConvolutionMode.Truncate);
    }

    /** One that goes over sequences, seen as maps whose height is 1. */
    static Windows ofSequences(int[] kernel, int[] stride, int[] padding, int[] dilation, ConvolutionMode mode) {
        return new Windows(
                new int[] {1, kernel[0]},
                new int[] {1, stride[0]},
                new int[] {0, padding[0]},
                new int[] {1, dilation[0]},
                mode);
    }

    /** The size of the output for maps of some size; null if there is none, or Deeplearning4j refuses. */
    long @Nullable [] outputSize(long height, long width) {
        long[] input = {height, width};
        long[] output = new long[2];
        for (int i = 0; i < 2; i++) {
            long reach = reach(i);
            if (mode == ConvolutionMode.Same || mode == ConvolutionMode.Causal) {
                output[i] = (input[i] + stride[i] - 1) / stride[i];
                if (mode == ConvolutionMode.Same && (output[i] - 1) * stride[i] + reach < input[i]) {
                    return null; // leaves out the border
                }
            } else {
                long room = input[i] + 2L * padding[i] - reach;
                if (room < 0 || (mode == ConvolutionMode.Strict && room % stride[i] != 0)) {
                    return null;
                }
                output[i] = room / stride[i] + 1;
            }
        }
        return output;
    }

    /** The size of the input that gives this output, which a transposed convolution puts out; null if there is none. */
    long @Nullable [] inputSize(long height, long width) {
        long[] output = {height, width};
        long[] input = new long[2];
        for (int i = 0; i < 2; i++) {
            input[i] = mode == ConvolutionMode.Same
                    ? output[i] * stride[i]
                    : (output[i] - 1) * stride[i] + reach(i) - 2L * padding[i];
            if (input[i] < 1) {
                return null;
            }
        }
        return Arrays.equals(outputSize(input[0], input[1]), output) ? input : null;
    }

    private long reach(int dimension) {
        return (kernel[dimension] - 1L) * dilation[dimension] + 1;
    }

    /** The window that gives this output. */
    Window window(long[] output, long height, long width) {
        long[] input = {height, width};
        long[] before = new long[2];
        for (int i = 0; i < 2; i++) {
            before[i] = switch (mode) {
                case Same -> Math.max(0, ((output[i] - 1) * stride[i] + reach(i) - input[i]) / 2);
                case Causal -> reach(i) - 1;
                default -> padding[i];
            };
        }
        return Window.giving(output, input, longs(kernel), longs(stride), longs(dilation), before);
    }

    private static long[] longs(int[] values) {
        return new long[] {values[0], values[1]};
    }
}
