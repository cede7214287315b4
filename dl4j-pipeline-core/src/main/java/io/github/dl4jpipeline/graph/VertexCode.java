package io.github.dl4jpipeline.graph;

/**
 * Code for both passes of a vertex. Only convolutions can mix {@link KernelCode#PLAIN} with others,
 * and {@link KernelCode#STOCK} is for both.
 *
 * @param forward for the forward pass
 * @param backward for the backward pass
 */
public record VertexCode(KernelCode forward, KernelCode backward) {
    public VertexCode {
        if (forward == null || backward == null) {
            throw new IllegalArgumentException("Both passes need a code, got " + forward + " and " + backward);
        }
    }

    /** What is usually the fastest. */
    public static final VertexCode USUAL = new VertexCode(KernelCode.USUAL, KernelCode.USUAL);

    /** A code for each pass that has it. */
    public static VertexCode of(KernelCode code) {
        return new VertexCode(code, code == KernelCode.WINOGRAD ? KernelCode.USUAL : code);
    }
}
