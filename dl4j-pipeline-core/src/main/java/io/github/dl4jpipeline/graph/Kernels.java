package io.github.dl4jpipeline.graph;

/** With which code layers are run. */
public enum Kernels {
    /** One native operation where there is one for a whole layer, in memory that is reused; the same results. */
    FAST,

    /**
     * The same without Winograd's algorithm, whose roundings are larger: convolutions that oneDNN might run with it, those of
     * 3x3 places with stride 1, are products of matrices, or with channels last Deeplearning4j's own.
     */
    PRECISE,

    /** Deeplearning4j's own. */
    STOCK
}
