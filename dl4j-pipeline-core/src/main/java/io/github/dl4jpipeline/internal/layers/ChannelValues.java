package io.github.dl4jpipeline.internal.layers;

import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Copies of vectors, a value for each channel or a few, to Java and back. Arithmetic on so few values takes Java less time
 * than the call of an operation.
 */
public final class ChannelValues {
    private ChannelValues() {}

    /** The values of an array in its own order. */
    public static double[] of(INDArray array) {
        if (!HostFloats.inAnyOrder(array)) {
            return array.reshape(array.length()).toDoubleVector();
        }
        float[] floats = new float[(int) array.length()];
        try {
            HostFloats.of(array).get(floats);
        } finally {
            Reference.reachabilityFence(array); // else its memory may be freed meanwhile
        }
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }

    /** A function of each value. */
    public static double[] each(double[] values, DoubleUnaryOperator function) {
        return Arrays.stream(values).map(function).toArray();
    }

    /** Each value times the factor at its place. */
    public static double[] product(double[] values, double[] factors) {
        double[] products = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            products[i] = values[i] * factors[i];
        }
        return products;
    }

    /** The sum of every so many values of an array, in its own order: of the first of each group, of the second, and so on. */
    static double[] sum(INDArray array, int group) {
        double[] sums = new double[group];
        if (!HostFloats.inAnyOrder(array)) {
            double[] values = of(array);
            for (int i = 0; i < values.length; i++) {
                sums[i % group] += values[i];
            }
            return sums;
        }
        float[] values = new float[group];
        FloatBuffer from = HostFloats.of(array);
        try {
            while (from.hasRemaining()) {
                from.get(values);
                for (int i = 0; i < group; i++) {
                    sums[i] += values[i];
                }
            }
        } finally {
            Reference.reachabilityFence(array);
        }
        return sums;
    }

    /** Sets every element of an array, and returns it. */
    static INDArray fill(INDArray array, float value) {
        if (!HostFloats.inAnyOrder(array)) {
            return array.assign(value);
        }
        FloatBuffer to = HostFloats.of(array);
        try {
            while (to.hasRemaining()) {
                to.put(value);
            }
        } finally {
            Reference.reachabilityFence(array);
        }
        return array;
    }

    /** Writes values to an array of as many elements, and returns it. */
    public static INDArray write(double[] values, INDArray array) {
        if (values.length != array.length()) {
            throw new IllegalArgumentException(values.length + " values for an array of " + array.length());
        }
        if (!HostFloats.inAnyOrder(array)) {
            return array.assign(Nd4j.createFromArray(values).reshape(array.shape()));
        }
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        try {
            HostFloats.of(array).put(floats);
        } finally {
            Reference.reachabilityFence(array);
        }
        return array;
    }
}
