package io.github.dl4jpipeline.internal.onednn;

/**
 * How a convolution or a pooling goes over maps: height before width in each array.
 *
 * @param dilation places from one value of the kernel to the next, at least 1
 * @param before padding above and to the left
 * @param after padding below and to the right; negative where the last places of the input are left out
 */
@SuppressWarnings("ArrayRecordComponent") // as oneDNN wants them
public record Window(long[] kernel, long[] stride, long[] dilation, long[] before, long[] after) {

    /** One that gives an output of this size. */
    public static Window giving(
            long[] output, long[] input, long[] kernel, long[] stride, long[] dilation, long[] before) {
        long[] after = new long[2];
        for (int i = 0; i < 2; i++) {
            after[i] = (output[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - input[i] - before[i];
        }
        return new Window(kernel, stride, dilation, before, after);
    }

    /** oneDNN counts the places between. */
    long[] between() {
        return new long[] {dilation[0] - 1, dilation[1] - 1};
    }

    /** Whether all values of the kernel are next to each other. */
    public boolean isDense() {
        return dilation[0] == 1 && dilation[1] == 1;
    }
}
