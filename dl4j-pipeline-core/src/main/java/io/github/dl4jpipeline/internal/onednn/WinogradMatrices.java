package io.github.dl4jpipeline.internal.onednn;

import java.util.Arrays;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The matrices of Winograd's algorithm for squares of 4x4 outputs and kernels of 3x3: F(4x4, 3x3). Each is the Kronecker product of
 * a matrix for one dimension with itself, so that one product of matrices transforms both dimensions.
 *
 * <p>By Toom and Cook's construction at the points 0, ±5/8, ±3/2 and infinity, which round less than 0, ±1, ±2. Source: A. Lavin,
 * S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
 */
final class WinogradMatrices {
    /** Outputs of a tile in a dimension. */
    static final int OUTPUTS = 4;

    /** Places of a kernel in a dimension. */
    static final int TAPS = 3;

    /** Inputs of a tile in a dimension. */
    static final int INPUTS = OUTPUTS + TAPS - 1;

    /** Products of a tile. */
    static final long PLACES = (long) INPUTS * INPUTS;

    private static final double[] POINTS = {0, 0.625, -0.625, 1.5, -1.5};

    private WinogradMatrices() {}

    /** How many tiles cover a dimension of an output. */
    static long tiles(long size) {
        return (size + OUTPUTS - 1) / OUTPUTS;
    }

    /** From a tile's inputs: {@code [36, 36]}. */
    static INDArray ofInputs() {
        double[][] one = new double[INPUTS][INPUTS];
        for (int point = 0; point < POINTS.length; point++) {
            double[] product = productWithout(point);
            System.arraycopy(product, 0, one[point], 0, product.length);
        }
        one[INPUTS - 1] = productWithout(-1);
        return array(squared(one));
    }

    /** From a kernel's places: {@code [36, 9]}. */
    static INDArray ofWeights(boolean mirrored) {
        double[][] one = weights();
        if (mirrored) {
            for (double[] row : one) {
                double first = row[0];
                row[0] = row[TAPS - 1];
                row[TAPS - 1] = first;
            }
        }
        return array(squared(one));
    }

    private static double[][] weights() {
        double[][] one = new double[INPUTS][TAPS];
        for (int point = 0; point < POINTS.length; point++) {
            double scale = 1;
            for (int other = 0; other < POINTS.length; other++) {
                scale *= other == point ? 1 : POINTS[point] - POINTS[other];
            }
            for (int tap = 0; tap < TAPS; tap++) {
                one[point][tap] = Math.pow(POINTS[point], tap) / scale;
            }
        }
        one[INPUTS - 1][TAPS - 1] = 1;
        return one;
    }

    /** To a tile's outputs, with the bias as one more input of each: {@code [16, 37]}. */
    static INDArray ofOutputs() {
        float[] both = squared(outputs());
        int columns = INPUTS * INPUTS;
        float[] withBias = new float[OUTPUTS * OUTPUTS * (columns + 1)];
        for (int row = 0; row < OUTPUTS * OUTPUTS; row++) {
            System.arraycopy(both, row * columns, withBias, row * (columns + 1), columns);
            withBias[row * (columns + 1) + columns] = 1;
        }
        return array(withBias);
    }

    private static double[][] outputs() {
        double[][] one = new double[OUTPUTS][INPUTS];
        for (int output = 0; output < OUTPUTS; output++) {
            for (int point = 0; point < POINTS.length; point++) {
                one[output][point] = Math.pow(POINTS[point], output);
            }
        }
        one[OUTPUTS - 1][INPUTS - 1] = 1;
        return one;
    }

    /** From the errors of a tile's outputs: {@code [36, 16]}. */
    static INDArray ofErrors() {
        return array(squared(transposed(outputs())));
    }

    /** To the gradient of a kernel's places: {@code [9, 36]}. */
    static INDArray toWeights() {
        return array(squared(transposed(weights())));
    }

    /** So many ones. */
    static INDArray ones(long count) {
        float[] ones = new float[Math.toIntExact(count)];
        Arrays.fill(ones, 1);
        return array(ones);
    }

    private static INDArray array(float[] values) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return Nd4j.createFromArray(values);
        }
    }

    private static double[][] transposed(double[][] matrix) {
        double[][] result = new double[matrix[0].length][matrix.length];
        for (int row = 0; row < matrix.length; row++) {
            for (int column = 0; column < matrix[0].length; column++) {
                result[column][row] = matrix[row][column];
            }
        }
        return result;
    }

    /** The coefficients of the product of (x - point) over all points but one, the constant first. */
    private static double[] productWithout(int left) {
        double[] product = {1};
        for (int point = 0; point < POINTS.length; point++) {
            if (point != left) {
                double[] next = new double[product.length + 1];
                for (int power = 0; power < product.length; power++) {
                    next[power] -= POINTS[point] * product[power];
                    next[power + 1] += product[power];
                }
                product = next;
            }
        }
        return product;
    }

    /** The Kronecker product with itself, in row-major order. */
    private static float[] squared(double[][] one) {
        int rows = one.length;
        int columns = one[0].length;
        float[] both = new float[rows * rows * columns * columns];
        int next = 0;
        for (double[] upper : one) {
            for (double[] lower : one) {
                for (double first : upper) {
                    for (double second : lower) {
                        both[next++] = (float) (first * second);
                    }
                }
            }
        }
        return both;
    }
}
