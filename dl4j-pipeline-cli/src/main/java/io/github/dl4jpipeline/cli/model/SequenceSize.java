package io.github.dl4jpipeline.cli.model;

/**
 * The sequences that a model takes, {@code [batch, width, steps]}, and the classes that it gives at each step.
 *
 * @param width values at a step
 * @param steps length of a sequence
 * @param classes number of classes
 * @param segment how many steps are trained at a time
 */
record SequenceSize(int width, int steps, int classes, int segment) implements ModelShape {

    /** Sequences that are trained as a whole. */
    SequenceSize(int width, int steps, int classes) {
        this(width, steps, classes, steps);
    }

    @Override
    public long[] features(int batch) {
        return new long[] {batch, width, steps};
    }

    @Override
    public long[] labels(int batch) {
        return new long[] {batch, classes, steps};
    }

    @Override
    public ModelShape ofOneStep() {
        return new SequenceSize(width, segment, classes);
    }

    @Override
    public String toString() {
        return "sequences of " + width + "x" + steps;
    }
}
