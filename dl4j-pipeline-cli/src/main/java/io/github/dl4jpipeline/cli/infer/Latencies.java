package io.github.dl4jpipeline.cli.infer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** How long runs took. */
final class Latencies {
    private final List<Long> nanos = new ArrayList<>();

    void add(long runNanos) {
        nanos.add(runNanos);
    }

    /** The median; the upper one of the middle two if their number is even. */
    double medianMillis() {
        return sorted().get(nanos.size() / 2) / 1e6;
    }

    double minMillis() {
        return Collections.min(nanos) / 1e6;
    }

    private List<Long> sorted() {
        List<Long> sorted = new ArrayList<>(nanos);
        Collections.sort(sorted);
        return sorted;
    }
}
