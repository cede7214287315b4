package io.github.dl4jpipeline.internal.layers;

import java.lang.ref.Reference;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.DoublePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arithmetic of Java on arrays of few numbers in the host's memory, in double. There the call of an operation takes longer than its
 * arithmetic.
 */
final class FewNumbers {
    static final int MOST = 1 << 12;

    private FewNumbers() {}

    /** Whether all of these are few numbers in row-major order, floats or doubles. */
    static boolean are(INDArray... arrays) {
        for (INDArray array : arrays) {
            boolean type = array.dataType() == DataType.FLOAT || array.dataType() == DataType.DOUBLE;
            if (!type
                    || array.isEmpty()
                    || array.length() > MOST
                    || array.ordering() != 'c'
                    || (array.length() > 1 && array.elementWiseStride() != 1)) {
                return false;
            }
        }
        return Nd4j.getEnvironment().isCPU();
    }

    static double[] read(INDArray array) {
        double[] numbers = new double[(int) array.length()];
        try {
            if (array.dataType() == DataType.FLOAT) {
                FloatBuffer floats = HostFloats.of(array);
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] = floats.get(i);
                }
            } else {
                doubles(array).get(numbers);
            }
        } finally { // else its memory may be freed meanwhile
            Reference.reachabilityFence(array);
        }
        return numbers;
    }

    /** Writes as many numbers as the array has. */
    static void write(double[] numbers, INDArray array) {
        try {
            if (array.dataType() == DataType.FLOAT) {
                FloatBuffer floats = HostFloats.of(array);
                for (int i = 0; i < numbers.length; i++) {
                    floats.put(i, (float) numbers[i]);
                }
            } else {
                doubles(array).put(numbers);
            }
        } finally {
            Reference.reachabilityFence(array);
        }
    }

    private static DoubleBuffer doubles(INDArray array) {
        DoublePointer first = new DoublePointer(array.data().addressPointer());
        return first.limit(first.position() + array.length()).asBuffer();
    }

    /** Adds a row to each row of a matrix. */
    static void addToRows(INDArray matrix, INDArray row) {
        double[] sums = read(matrix);
        double[] added = read(row);
        for (int from = 0; from < sums.length; from += added.length) {
            for (int i = 0; i < added.length; i++) {
                sums[from + i] += added[i];
            }
        }
        write(sums, matrix);
    }

    /** Multiplies each number by 1 where that of {@code steps}, an array of as many, is positive, and by 0 elsewhere. */
    static void multiplyByStep(INDArray array, INDArray steps) {
        double[] numbers = read(array);
        double[] of = read(steps);
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] *= of[i] > 0 ? 1 : 0;
        }
        write(numbers, array);
    }

    /** Writes the sum of the rows of a matrix to a row, or adds it. */
    static void sumOfRows(INDArray matrix, INDArray row, boolean add) {
        double[] numbers = read(matrix);
        double[] sum = add ? read(row) : new double[(int) row.length()];
        for (int from = 0; from < numbers.length; from += sum.length) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += numbers[from + i];
            }
        }
        write(sum, row);
    }
}
