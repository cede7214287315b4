package io.github.dl4jpipeline.graph;

/** Code for a pass of a vertex. */
public enum KernelCode {
    /** What is usually the fastest. */
    USUAL,
    /** Products of matrices for a convolution, Deeplearning4j's own code for the rest. */
    PLAIN,
    /** The native operation that oneDNN runs with Winograd's algorithm, for the forward pass of a convolution. */
    WINOGRAD,
    /** Deeplearning4j's own code, for both passes. */
    STOCK
}
