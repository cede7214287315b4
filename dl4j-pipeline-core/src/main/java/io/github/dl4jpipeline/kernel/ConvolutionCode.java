package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One way to compute a 2D convolution. Weights are {@code [outputs, inputs, height, width]}, a bias is a row. */
interface ConvolutionCode {

    /** Writes the convolution of the input to {@code output}, an array in row-major order. */
    void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces);

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

    /**
     * Where gradients go.
     *
     * @param input overwritten; in row-major order
     * @param weights in row-major order
     * @param bias null without a bias
     */
    record Gradients(
            INDArray input, INDArray weights, @Nullable INDArray bias) {}
}
