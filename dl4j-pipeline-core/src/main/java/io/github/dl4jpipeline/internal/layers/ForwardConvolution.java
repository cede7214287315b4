package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One way to compute a 2D convolution. Weights are {@code [outputs, inputs, height, width]}, a bias is a row. */
interface ForwardConvolution {

    /** Writes the convolution of the input to {@code output}, an array in row-major order. */
    void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces);
}
