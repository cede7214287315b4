package io.github.dl4jpipeline.kernel;

/** Code for a vertex other than what is usually the fastest. */
public enum KernelCode {
    /** Products of matrices for a convolution, Deeplearning4j's own code for the rest. */
    PLAIN,
    /** For the forward pass of a convolution, the native operation that oneDNN runs with Winograd's algorithm. */
    WINOGRAD
}
