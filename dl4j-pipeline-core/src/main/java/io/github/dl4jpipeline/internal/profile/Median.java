package io.github.dl4jpipeline.internal.profile;

import java.util.Arrays;
import java.util.List;

/** The middle of some numbers. */
public final class Median {
    private Median() {}

    /** The middle of the numbers, or of an even number of them the mean of both in the middle; 0 if there are none. */
    public static double of(List<Double> numbers) {
        return of(numbers.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** The same; the array stays as it is. */
    public static double of(double... numbers) {
        if (numbers.length == 0) {
            return 0;
        }
        double[] sorted = numbers.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
