package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One way to compute the gradients of a 2D convolution. Weights are as for {@link ForwardConvolution}. */
interface BackwardConvolution {

    /**
     * The backward pass.
     *
     * @param error gradient by the output
     * @param add whether to add to the gradients by weights and bias, instead of overwriting them
     */
    void backward(
            INDArray input,
            INDArray weights,
            INDArray error,
            Gradients gradients,
            boolean add,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces);

    /** Whether the gradient by the input can be computed without that by the weights. */
    default boolean computesInputAlone() {
        return false;
    }

    /**
     * Where gradients go.
     *
     * @param input overwritten; in row-major order; null if nothing needs it
     * @param weights in row-major order; null for the input's alone, where it {@linkplain #computesInputAlone can be}
     * @param bias null without a bias, and without weights
     */
    record Gradients(
            @Nullable INDArray input,
            @Nullable INDArray weights,
            @Nullable INDArray bias) {}
}
