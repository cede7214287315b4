package io.github.dl4jpipeline.kernel;

import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Arithmetic with a value for each channel, in Java: ND4J's broadcasts take up to five times as long. Some thousand elements
 * at a time are copied to an array that stays in a core's first caches, and the results back.
 */
@FunctionalInterface
interface ChannelLoop {
    ThreadLocal<float[]> BLOCK = ThreadLocal.withInitial(() -> new float[4096]);

    /** Changes elements of one channel, from one index to before another. */
    void run(float[] elements, int from, int to, float ofChannel);

    static void add(float[] elements, int from, int to, float value) {
        for (int i = from; i < to; i++) {
            elements[i] += value;
        }
    }

    static void subtract(float[] elements, int from, int to, float value) {
        for (int i = from; i < to; i++) {
            elements[i] -= value;
        }
    }

    static void multiply(float[] elements, int from, int to, float value) {
        for (int i = from; i < to; i++) {
            elements[i] *= value;
        }
    }

    /**
     * Writes what the loop makes of an array to another, which may be the same.
     *
     * @param array {@code [examples, channels, ...]}, {@linkplain HostFloats#are in the host's memory}, as the other
     */
    default void run(INDArray array, double[] ofChannel, INDArray result) {
        int rest = (int) (array.length() / (array.size(0) * ofChannel.length));
        FloatBuffer from = HostFloats.of(array);
        FloatBuffer to = HostFloats.of(result);
        float[] block = BLOCK.get();
        try {
            for (int begin = 0; begin < from.capacity(); begin += block.length) {
                int length = Math.min(block.length, from.capacity() - begin);
                from.get(begin, block, 0, length);
                for (int i = 0; i < length; ) {
                    int row = (begin + i) / rest;
                    int end = Math.min(length, (row + 1) * rest - begin);
                    run(block, i, end, (float) ofChannel[row % ofChannel.length]);
                    i = end;
                }
                to.put(begin, block, 0, length);
            }
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(array);
            Reference.reachabilityFence(result);
        }
    }
}
