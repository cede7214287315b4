package io.github.dl4jpipeline.internal.onednn;

/**
 * An operation of so many examples whose weight gradient can be that of several micro-batches at once: their examples lie one after
 * another in what it reads.
 */
public interface SharedGradient {
    long examples();

    /** Floats of an example's input. */
    long inputs();

    /** Floats of an example's output. */
    long outputs();

    /** How many examples may be gathered, so that they take little memory beside what is saved. */
    long mostExamples();

    /** The same operation of another number of examples. */
    SharedGradient ofExamples(long count);

    /** Whether examples of both may lie side by side. */
    boolean joins(SharedGradient other);

    /** From {@link Slot#INPUT} and {@link Slot#OUTPUT_ERROR} to {@link Slot#WEIGHT_GRADIENT} and {@link Slot#BIAS_GRADIENT}. */
    Primitive gradient();

    /** The layout in which {@link #gradient} writes the weights' gradient. */
    Layout gradientWeights();
}
