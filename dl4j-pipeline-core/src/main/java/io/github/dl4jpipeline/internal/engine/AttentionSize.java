package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;

/**
 * Numbers of self-attention.
 *
 * @param inputs values at each step of the input
 * @param outputs values at each step of the output
 * @param headSize values of a head at each step
 * @param projects whether queries, keys and values are products with weights; else they are the input
 */
record AttentionSize(
        long examples, long steps, long inputs, long outputs, long heads, long headSize, boolean projects) {
    /** Steps of all examples. */
    long rows() {
        return examples * steps;
    }

    /** Values of all heads. */
    long width() {
        return heads * headSize;
    }

    /** Floats from the queries of a step to those of the next. */
    long rowWidth() {
        return projects ? 3 * width() : inputs;
    }

    long scores() {
        return examples * heads * steps * steps;
    }

    /** Of sequences with so many values at each step, whose steps lie one after another. */
    Layout sequences(long size) {
        return Layout.strided(new long[] {examples, size, steps}, new long[] {steps * size, 1, size});
    }

    /** Whether there is something to compute, and Java's arrays and buffers can count it. */
    boolean isCountable() {
        long most = Math.max(scores(), rows() * Math.max(3 * width(), Math.max(inputs, outputs)));
        return rows() > 0 && most <= Integer.MAX_VALUE / Float.BYTES;
    }
}
