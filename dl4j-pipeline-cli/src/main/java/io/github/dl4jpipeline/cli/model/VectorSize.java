package io.github.dl4jpipeline.cli.model;

/**
 * The rows of values that a model takes, {@code [batch, width]}, and what it gives for each.
 *
 * @param width values of a row
 * @param outputs values that it gives: classes, or the row itself
 */
record VectorSize(int width, int outputs) implements ModelShape {

    @Override
    public long[] features(int batch) {
        return new long[] {batch, width};
    }

    @Override
    public long[] labels(int batch) {
        return new long[] {batch, outputs};
    }

    @Override
    public String toString() {
        return "rows of " + width + " values";
    }
}
