package io.github.dl4jpipeline.graph;

/** Code for a vertex. */
public enum KernelCode {
    /** What is usually the fastest. */
    USUAL,
    /** Deeplearning4j's own code. */
    STOCK
}
