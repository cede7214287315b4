package io.github.dl4jpipeline.internal.layers;

import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Arithmetic with values for each channel, in Java: ND4J's broadcasts take up to five times as long. Some thousand elements
 * at a time are copied to arrays that stay in a core's first caches, and the results back.
 */
@FunctionalInterface
interface ChannelLoop {
    int BLOCK = 4096;
    ThreadLocal<float[][]> BLOCKS = ThreadLocal.withInitial(() -> new float[2][BLOCK]);

    /** Changes elements of one channel, from one index to before another; others may lie at the same indices. */
    void run(float[] elements, float[] others, int from, int to, int channel);

    /** Adds up each channel. */
    static ChannelLoop sum(double[] sums) {
        LaneSum sum = new LaneSum();
        return (elements, others, from, to, channel) -> sums[channel] += sum.of(elements, from, to);
    }

    /** Subtracts a value for each channel, and adds up the squares of the differences. */
    static ChannelLoop subtractAndSquare(double[] subtrahends, double[] squares) {
        ChannelLoop subtract = subtract(subtrahends);
        LaneSum sum = new LaneSum();
        return (elements, others, from, to, channel) -> {
            subtract.run(elements, others, from, to, channel);
            squares[channel] += sum.ofProducts(elements, elements, from, to);
        };
    }

    /** Subtracts a value for each channel, and adds up the others and the products of the differences with them. */
    static ChannelLoop subtractAndMultiply(double[] subtrahends, double[] products, double[] sumsOfOthers) {
        ChannelLoop subtract = subtract(subtrahends);
        LaneSum sum = new LaneSum();
        return (elements, others, from, to, channel) -> {
            subtract.run(elements, others, from, to, channel);
            products[channel] += sum.ofProducts(elements, others, from, to);
            sumsOfOthers[channel] += sum.of(others, from, to);
        };
    }

    /** Subtracts a value for each channel. */
    static ChannelLoop subtract(double[] subtrahends) {
        return (elements, others, from, to, channel) -> {
            float subtrahend = (float) subtrahends[channel];
            for (int i = from; i < to; i++) {
                elements[i] -= subtrahend;
            }
        };
    }

    /** Multiplies with one value for each channel, and then adds another. */
    static ChannelLoop multiplyAndAdd(double[] factors, double[] summands) {
        return (elements, others, from, to, channel) -> {
            float factor = (float) factors[channel];
            float summand = (float) summands[channel];
            for (int i = from; i < to; i++) {
                elements[i] = elements[i] * factor + summand;
            }
        };
    }

    /** What {@link ChannelMath#combine} does. */
    static ChannelLoop combine(double[] factors, double[] subtrahends, double[] scales) {
        return (elements, others, from, to, channel) -> {
            float factor = (float) factors[channel];
            float subtrahend = (float) subtrahends[channel];
            float scale = (float) scales[channel];
            for (int i = from; i < to; i++) {
                elements[i] = (elements[i] * factor + others[i] - subtrahend) * scale;
            }
        };
    }

    /**
     * Writes what the loop makes of an array to another, which may be the same.
     *
     * @param array {@code [examples, channels, ...]}, {@linkplain HostFloats#are in the host's memory}, as the others
     * @param others of the same shape; null for a loop that does not read them
     * @param channels their number
     * @param result null for a loop that changes nothing
     */
    default void run(INDArray array, @Nullable INDArray others, int channels, @Nullable INDArray result) {
        int rest = (int) (array.length() / (array.size(0) * channels));
        FloatBuffer from = HostFloats.of(array);
        FloatBuffer fromOthers = others == null ? null : HostFloats.of(others);
        FloatBuffer to = result == null ? null : HostFloats.of(result);
        float[] block = BLOCKS.get()[0];
        float[] blockOfOthers = BLOCKS.get()[1];
        try {
            for (int begin = 0; begin < from.capacity(); begin += BLOCK) {
                int length = Math.min(BLOCK, from.capacity() - begin);
                from.get(begin, block, 0, length);
                if (fromOthers != null) {
                    fromOthers.get(begin, blockOfOthers, 0, length);
                }
                for (int i = 0; i < length; ) {
                    int row = (begin + i) / rest;
                    int end = Math.min(length, (row + 1) * rest - begin);
                    run(block, blockOfOthers, i, end, row % channels);
                    i = end;
                }
                if (to != null) {
                    to.put(begin, block, 0, length);
                }
            }
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(array);
            Reference.reachabilityFence(others);
            Reference.reachabilityFence(result);
        }
    }
}
