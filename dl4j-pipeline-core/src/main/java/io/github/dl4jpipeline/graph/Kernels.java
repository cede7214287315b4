package io.github.dl4jpipeline.graph;

/** With which code layers are run. */
public enum Kernels {
    /** oneDNN's primitives, or one native operation for a whole layer, in memory that is reused; the same results. */
    FAST,

    /**
     * The same without Winograd's algorithm, whose roundings are larger. Where oneDNN's primitives cannot be had, convolutions in
     * float of 3x3 places with stride 1 are Deeplearning4j's own.
     */
    PRECISE,

    /** Deeplearning4j's own. */
    STOCK
}
