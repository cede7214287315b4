package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.layers.LaneSum;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Layer normalization of rows: Ba, Kiros and Hinton, "Layer normalization", 2016. As in Deeplearning4j nothing is added to the variance,
 * and what is no number becomes 0. One thread at a time uses it.
 */
final class RowNorm {
    private final int width;
    private final LaneSum sum = new LaneSum();
    private final float[] row;
    private final float[] other;
    private final float[] gains;
    private final float[] biases;
    private final double[] gainGradient;
    private final double[] biasGradient;

    /** Of each row, one over its deviation. */
    private double[] inverse = {};

    RowNorm(int width) {
        this.width = width;
        row = new float[width];
        other = new float[width];
        gains = new float[width];
        biases = new float[width];
        gainGradient = new double[width];
        biasGradient = new double[width];
    }

    /**
     * Makes the mean of each row 0 and its variance 1.
     *
     * @return false if a row has no variance and is not 0
     */
    boolean normalize(INDArray rows) {
        int count = (int) (rows.length() / width);
        if (inverse.length != count) {
            inverse = new double[count];
        }
        FloatBuffer buffer = HostFloats.of(rows);
        try {
            for (int i = 0; i < count; i++) {
                buffer.get(i * width, row);
                inverse[i] = normalizeRow();
                if (Double.isInfinite(inverse[i])) {
                    return false;
                }
                buffer.put(i * width, row);
            }
            return true;
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(rows);
        }
    }

    /** Returns one over the deviation; NaN for a row of zeros, or where there is NaN. */
    private double normalizeRow() {
        double inverted = 1 / deviation();
        if (Double.isNaN(inverted)) {
            Arrays.fill(row, 0);
        } else {
            float factor = (float) inverted;
            for (int i = 0; i < width; i++) {
                row[i] *= factor;
            }
        }
        return inverted;
    }

    /** Subtracts the mean. NaN of a row of zeros, and of a single number. */
    private double deviation() {
        if (isConstant()) {
            return row[0] == 0 || width == 1 ? Double.NaN : 0;
        }
        double mean = sum.of(row, 0, width) / width;
        for (int i = 0; i < width; i++) {
            row[i] = (float) (row[i] - mean);
        }
        return Math.sqrt(sum.ofProducts(row, row, 0, width) / width);
    }

    private boolean isConstant() {
        for (int i = 1; i < width; i++) {
            if (row[i] != row[0]) {
                return false;
            }
        }
        return true;
    }

    /** Writes normalized rows times the gain, plus the bias. */
    void scale(INDArray normalized, INDArray gain, @Nullable INDArray bias, INDArray output) {
        FloatBuffer from = HostFloats.of(normalized);
        FloatBuffer to = HostFloats.of(output);
        try {
            HostFloats.of(gain).get(0, gains);
            if (bias != null) {
                HostFloats.of(bias).get(0, biases);
            }
            for (int at = 0; at < to.capacity(); at += width) {
                from.get(at, row);
                for (int i = 0; i < width; i++) {
                    row[i] = row[i] * gains[i] + biases[i];
                }
                to.put(at, row);
            }
        } finally {
            Reference.reachabilityFence(normalized);
            Reference.reachabilityFence(gain);
            Reference.reachabilityFence(bias);
            Reference.reachabilityFence(output);
        }
    }

    /**
     * Makes errors of rows as they were of errors of the output, and keeps the gradients of gain and bias.
     *
     * @param normalized of the last rows
     */
    void backward(INDArray normalized, INDArray gain, INDArray errors) {
        Arrays.fill(gainGradient, 0);
        Arrays.fill(biasGradient, 0);
        FloatBuffer from = HostFloats.of(normalized);
        FloatBuffer buffer = HostFloats.of(errors);
        try {
            HostFloats.of(gain).get(0, gains);
            for (int i = 0; i < inverse.length; i++) {
                from.get(i * width, other);
                buffer.get(i * width, row);
                backwardOfRow((float) inverse[i]);
                buffer.put(i * width, row);
            }
        } finally {
            Reference.reachabilityFence(normalized);
            Reference.reachabilityFence(gain);
            Reference.reachabilityFence(errors);
        }
    }

    private void backwardOfRow(float factor) {
        for (int i = 0; i < width; i++) {
            gainGradient[i] += row[i] * other[i];
            biasGradient[i] += row[i];
            row[i] *= gains[i];
        }
        // With x' the normalized row: (error - mean(error) - x' * mean(error * x')) / deviation
        float mean = (float) (sum.of(row, 0, width) / width);
        float ofProducts = (float) (sum.ofProducts(row, other, 0, width) / width);
        for (int i = 0; i < width; i++) {
            float error = (row[i] - mean - other[i] * ofProducts) * factor;
            row[i] = Float.isNaN(error) ? 0 : error;
        }
    }

    /** Of the last backward pass. */
    double[] gainGradient() {
        return gainGradient;
    }

    double[] biasGradient() {
        return biasGradient;
    }
}
