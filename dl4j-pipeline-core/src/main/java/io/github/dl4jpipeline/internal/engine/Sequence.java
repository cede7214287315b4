package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sequences as recurrent layers read them, {@code [steps][examples][size]}: a step is a matrix, and so are all steps together.
 *
 * @param format the order of dimensions in which Deeplearning4j sees them
 */
public record Sequence(long steps, long examples, long size, RNNFormat format) {
    private static final int RANK = 3;

    /** Null for another shape than that of sequences. */
    static @Nullable Sequence of(long[] shape, RNNFormat format) {
        if (shape.length != RANK) {
            return null;
        }
        return format == RNNFormat.NWC
                ? new Sequence(shape[1], shape[0], shape[2], format)
                : new Sequence(shape[2], shape[0], shape[1], format);
    }

    /** A value of this layout as an array in the same memory; null if it has another layout. */
    public static @Nullable INDArray view(Value value) {
        Layout layout = value.layout();
        if (layout == null) {
            return null;
        }
        for (RNNFormat format : RNNFormat.values()) {
            Sequence sequence = of(layout.shape(), format);
            if (sequence != null && layout.equals(sequence.layout())) {
                INDArray bySteps =
                        value.values().reshape('c', sequence.steps(), sequence.examples(), sequence.size());
                return format == RNNFormat.NWC ? bySteps.permute(1, 0, 2) : bySteps.permute(1, 2, 0);
            }
        }
        return null;
    }

    /** The same with other values at each step. */
    Sequence ofSize(long other) {
        return new Sequence(steps, examples, other, format);
    }

    Layout layout() {
        long[] channelsFirst = {examples, size, steps};
        long[] channelsLast = {examples, steps, size};
        return format == RNNFormat.NWC
                ? Layout.strided(channelsLast, new long[] {size, examples * size, 1})
                : Layout.strided(channelsFirst, new long[] {size, 1, examples * size});
    }

    /** Floats of a step. */
    long step() {
        return examples * size;
    }

    /** Rows of the matrix of all steps. */
    long rows() {
        return steps * examples;
    }

    long floats() {
        return steps * step();
    }

    /** Whether Java's arrays and buffers can count its floats, so many for each value. */
    boolean isCountable(int times) {
        return floats() * times <= Integer.MAX_VALUE / Float.BYTES;
    }
}
