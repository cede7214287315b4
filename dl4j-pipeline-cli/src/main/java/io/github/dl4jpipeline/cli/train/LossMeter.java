package io.github.dl4jpipeline.cli.train;

/** The mean loss over the images of an epoch so far, and their number. */
final class LossMeter {
    private double sum;
    private long images;

    /** Adds a batch with its mean loss. */
    void add(double loss, long batch) {
        sum += loss * batch;
        images += batch;
    }

    /** The mean; not a number before the first batch. */
    double mean() {
        return sum / images;
    }

    long images() {
        return images;
    }
}
