package io.github.dl4jpipeline.internal.layers;

import java.util.Arrays;

/**
 * Sums of floats in Java that lose little to rounding: in many lanes side by side, of which each adds up few elements, then
 * lane by lane as a tree, then in double. Added one after another, some thousand equal floats are off by 1e-6 and more, and
 * activations behind a ReLU are equal where they are zero. Not for two threads at once.
 */
public final class LaneSum {
    private static final int LANES = 256;
    private static final int LAST_LANES = 8;

    private final float[] lanes = new float[LANES];

    /** The sum of some thousand elements, from one index to before another. */
    public double of(float[] elements, int from, int to) {
        int i = from;
        double sum = 0;
        if (to - from >= LANES) {
            for (; i + LANES <= to; i += LANES) {
                for (int lane = 0; lane < LANES; lane++) {
                    lanes[lane] += elements[i + lane];
                }
            }
            sum = takeLanes();
        }
        double other = 0; // two at once, since an addition waits for the one before
        for (; i + 2 <= to; i += 2) {
            sum += elements[i];
            other += elements[i + 1];
        }
        return i < to ? sum + other + elements[i] : sum + other;
    }

    /** The same of the products of elements with others at the same indices. */
    public double ofProducts(float[] elements, float[] others, int from, int to) {
        int i = from;
        double sum = 0;
        if (to - from >= LANES) {
            for (; i + LANES <= to; i += LANES) {
                for (int lane = 0; lane < LANES; lane++) {
                    lanes[lane] += elements[i + lane] * others[i + lane];
                }
            }
            sum = takeLanes();
        }
        double other = 0;
        for (; i + 2 <= to; i += 2) {
            sum += elements[i] * others[i];
            other += elements[i + 1] * others[i + 1];
        }
        return i < to ? sum + other + elements[i] * others[i] : sum + other;
    }

    /** The sum of the lanes, which are zero afterwards. */
    private double takeLanes() {
        for (int width = LANES / 2; width >= LAST_LANES; width /= 2) {
            for (int lane = 0; lane < width; lane++) {
                lanes[lane] += lanes[width + lane];
            }
        }
        double sum = 0;
        for (int lane = 0; lane < LAST_LANES; lane++) {
            sum += lanes[lane];
        }
        Arrays.fill(lanes, 0);
        return sum;
    }
}
