package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;

/**
 * Sequences as recurrent layers read them, {@code [steps][examples][size]}: a step is a matrix, and so are all steps together.
 *
 * @param format the order of dimensions in which Deeplearning4j sees them
 */
record Sequence(long steps, long examples, long size, RNNFormat format) {
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
