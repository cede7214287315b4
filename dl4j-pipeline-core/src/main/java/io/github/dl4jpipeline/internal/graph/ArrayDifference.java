package io.github.dl4jpipeline.internal.graph;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How far one array is from another. NaN and infinities are equal only to themselves, at the same place.
 *
 * @param mismatch why the arrays cannot be compared by size, as a clause that names the first such element; empty if they can
 * @param largestDifference the largest |actual - expected| over finite elements
 * @param largestExpected the largest |expected| over finite elements
 */
public record ArrayDifference(String mismatch, double largestDifference, double largestExpected) {

    /** Compares shape, type and every element. Neither array is changed. */
    public static ArrayDifference of(INDArray actual, INDArray expected) {
        if (!Arrays.equals(actual.shape(), expected.shape())) {
            return mismatch(
                    "shape " + Arrays.toString(actual.shape()) + " instead of " + Arrays.toString(expected.shape()));
        }
        if (actual.dataType() != expected.dataType()) {
            return mismatch("type " + actual.dataType() + " instead of " + expected.dataType());
        }
        if (expected.isEmpty()) {
            return new ArrayDifference("", 0, 0);
        }
        return compare(actual.dup('c').data(), expected.dup('c').data());
    }

    private static ArrayDifference compare(DataBuffer actual, DataBuffer expected) {
        double largestDifference = 0;
        double largestExpected = 0;
        for (long i = 0; i < expected.length(); i++) {
            double found = actual.getDouble(i);
            double wanted = expected.getDouble(i);
            if (Double.isFinite(found) && Double.isFinite(wanted)) {
                largestDifference = Math.max(largestDifference, Math.abs(found - wanted));
                largestExpected = Math.max(largestExpected, Math.abs(wanted));
            } else if (Double.compare(found, wanted) != 0) {
                return mismatch(found + " instead of " + wanted + " at element " + i);
            }
        }
        return new ArrayDifference("", largestDifference, largestExpected);
    }

    private static ArrayDifference mismatch(String reason) {
        return new ArrayDifference(reason, Double.POSITIVE_INFINITY, 0);
    }

    /** {@link #largestDifference} / {@link #largestExpected}; infinite if the arrays do not match at all. */
    public double relative() {
        return largestDifference == 0 ? 0 : largestDifference / largestExpected;
    }

    /** Whether the arrays match, and differ nowhere by more than {@code relative * largestExpected + absolute}. */
    public boolean isWithin(double relative, double absolute) {
        return largestDifference <= relative * largestExpected + absolute;
    }
}
