package io.github.dl4jpipeline.cli.train;

/** The mean loss over the examples of an epoch so far, and their number. */
final class LossMeter {
    private final int segments;
    private double sum;
    private long added;

    /** @param segments in how many steps an example is trained */
    LossMeter(int segments) {
        this.segments = segments;
    }

    /** Adds a batch with its mean loss. */
    void add(double loss, long batch) {
        sum += loss * batch;
        added += batch;
    }

    /** The mean; not a number before the first batch. */
    double mean() {
        return sum / added;
    }

    long examples() {
        return added / segments;
    }
}
