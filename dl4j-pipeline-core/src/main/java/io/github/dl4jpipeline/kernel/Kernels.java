package io.github.dl4jpipeline.kernel;

/** With which code layers are run. */
public enum Kernels {
    /** One native operation where there is one for a whole layer, in memory that is reused; the same results. */
    FAST,

    /** Deeplearning4j's own. */
    STOCK
}
