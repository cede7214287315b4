package io.github.dl4jpipeline.cli.compare;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The times of a system's steps. */
final class StepTimes {
    private final List<Double> millis = new ArrayList<>();

    void add(double stepMillis) {
        millis.add(stepMillis);
    }

    /** The median; the mean of the middle two if their number is even. */
    double medianMillis() {
        List<Double> sorted = new ArrayList<>(millis);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double minMillis() {
        return Collections.min(millis);
    }
}
