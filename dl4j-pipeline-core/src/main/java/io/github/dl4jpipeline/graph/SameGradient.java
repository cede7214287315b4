package io.github.dl4jpipeline.graph;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Whether one gradient equals another up to roundings, array by array. With G the largest element of the expected gradient:
 *
 * <ul>
 *   <li>in double, no element of an array differs by more than 1e-10 of the array's largest, plus 1e-12 G;
 *   <li>in float, by more than 2e-5 of the array's largest, plus 1e-7 G;
 *   <li>or, in deep networks whose roundings grow, the array is no farther from the gradient in double than twice the expected
 *       one is, plus 1e-6 G.
 * </ul>
 *
 * Running statistics of batch normalization, which travel with gradients, are held to the same bounds and do not count for G.
 *
 * @param arrays what was compared, in the order of the expected gradient
 */
public record SameGradient(List<Compared> arrays) {
    private static final Set<String> STATISTICS = Set.of(
            BatchNormalizationParamInitializer.GLOBAL_MEAN,
            BatchNormalizationParamInitializer.GLOBAL_VAR,
            BatchNormalizationParamInitializer.GLOBAL_LOG_STD);

    /**
     * One parameter array, or the score.
     *
     * @param name of vertex and parameter, as in Deeplearning4j's gradient
     * @param difference the largest of an element; infinite with a mismatch
     * @param bound what the difference may be at most
     * @param withDouble whether the difference is that from the gradient in double, not from the expected one
     * @param mismatch why sizes cannot be compared, as a clause; empty if they can
     */
    public record Compared(String name, double difference, double bound, boolean withDouble, String mismatch) {
        public boolean isSame() {
            return mismatch.isEmpty() && difference <= bound;
        }

        /** How much of the bound is used: more than 1 if the array is not the same. */
        public double share() {
            return difference == 0 ? 0 : difference / bound;
        }

        @Override
        public String toString() {
            return mismatch.isEmpty()
                    ? String.format(
                            Locale.ROOT,
                            "'%s' differs by %.2g%s, bound %.2g",
                            name,
                            difference,
                            withDouble ? " from that in double" : "",
                            bound)
                    : "'" + name + "' " + mismatch;
        }
    }

    public SameGradient {
        arrays = List.copyOf(arrays);
    }

    /**
     * Compares two gradients. No array is changed.
     *
     * @param inDouble the expected gradient, computed in double; asked for at most once, and only if an array needs it. Arrays
     *     that it lacks are held to the bound for float
     */
    public static SameGradient of(
            Map<String, INDArray> actual,
            Map<String, INDArray> expected,
            Supplier<? extends Map<String, INDArray>> inDouble) {
        double largest = largest(expected);
        List<Compared> arrays = new ArrayList<>();
        Map<String, INDArray> doubles = null;
        for (Map.Entry<String, INDArray> entry : expected.entrySet()) {
            String name = entry.getKey();
            INDArray found = actual.get(name);
            Compared compared =
                    found == null ? mismatch(name, "is missing") : compare(name, found, entry.getValue(), largest);
            if (!compared.isSame()
                    && compared.mismatch().isEmpty()
                    && entry.getValue().dataType() != DataType.DOUBLE) {
                if (doubles == null) {
                    doubles = inDouble.get();
                }
                INDArray exact = doubles.get(name);
                if (exact != null) {
                    compared = compareWithDouble(compared, found, entry.getValue(), exact, largest);
                }
            }
            arrays.add(compared);
        }
        actual.keySet().stream()
                .filter(name -> !expected.containsKey(name))
                .forEach(name -> arrays.add(mismatch(name, "is not in the expected gradient")));
        return new SameGradient(arrays);
    }

    /**
     * Compares scores, whose bound is that of an array: 1e-10 of the expected score in double and 2e-5 in float; or the score is
     * no farther from that in double than twice the expected one is, plus 1e-6 of it.
     *
     * @param type of the network
     * @param inDouble the score in double, asked for only if it is needed; NaN if there is none
     */
    public static Compared score(double actual, double expected, DataType type, DoubleSupplier inDouble) {
        if (Double.compare(actual, expected) == 0) {
            return new Compared("score", 0, 0, false, "");
        }
        if (!Double.isFinite(actual) || !Double.isFinite(expected)) {
            return mismatch("score", "is " + actual + " instead of " + expected);
        }
        double difference = Math.abs(actual - expected);
        double bound = (type == DataType.DOUBLE ? 1e-10 : 2e-5) * Math.abs(expected);
        if (difference > bound && type != DataType.DOUBLE) {
            double exact = inDouble.getAsDouble();
            if (Double.isFinite(exact)) {
                double ofExpected = 2 * Math.abs(expected - exact) + 1e-6 * Math.abs(exact);
                return new Compared("score", Math.abs(actual - exact), ofExpected, true, "");
            }
        }
        return new Compared("score", difference, bound, false, "");
    }

    private static double largest(Map<String, INDArray> gradient) {
        return gradient.entrySet().stream()
                .filter(entry -> !STATISTICS.contains(parameter(entry.getKey())))
                .mapToDouble(entry ->
                        ArrayDifference.of(entry.getValue(), entry.getValue()).largestExpected())
                .max()
                .orElse(0);
    }

    private static String parameter(String name) {
        return name.substring(name.lastIndexOf('_') + 1);
    }

    private static Compared compare(String name, INDArray actual, INDArray expected, double largest) {
        ArrayDifference difference = ArrayDifference.of(actual, expected);
        double bound = expected.dataType() == DataType.DOUBLE
                ? 1e-10 * difference.largestExpected() + 1e-12 * largest
                : 2e-5 * difference.largestExpected() + 1e-7 * largest;
        return new Compared(
                name,
                difference.largestDifference(),
                bound,
                false,
                difference.mismatch().isEmpty() ? "" : "has " + difference.mismatch());
    }

    private static Compared compareWithDouble(
            Compared before, INDArray actual, INDArray expected, INDArray exact, double largest) {
        double ofExpected = fromDouble(expected, exact);
        return Double.isFinite(ofExpected)
                ? new Compared(before.name(), fromDouble(actual, exact), 2 * ofExpected + 1e-6 * largest, true, "")
                : before;
    }

    private static double fromDouble(INDArray array, INDArray exact) {
        return ArrayDifference.of(array.castTo(DataType.DOUBLE), exact).largestDifference();
    }

    private static Compared mismatch(String name, String mismatch) {
        return new Compared(name, Double.POSITIVE_INFINITY, 0, false, mismatch);
    }

    public boolean isSame() {
        return arrays.stream().allMatch(Compared::isSame);
    }

    /** The arrays that are not the same, worst first. */
    public List<Compared> different() {
        return arrays.stream()
                .filter(array -> !array.isSame())
                .sorted(Comparator.comparingDouble(Compared::share).reversed())
                .toList();
    }

    /** The array that uses most of its bound. There is none in an empty gradient. */
    public Compared worst() {
        return arrays.stream()
                .max(Comparator.comparingDouble(Compared::share))
                .orElseThrow(() -> new IllegalStateException("The gradient is empty"));
    }
}
