package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution as products of matrices. The unfolded input has a row for each input channel and place of the kernel,
 * and a column for each output of every example. For input with channels first.
 *
 * <p>This is faster than oneDNN's convolution on small maps with many channels, since that works on one example at a
 * time. The products are oneDNN's, not those of BLAS.
 */
final class UnfoldedConvolution implements ConvolutionCode {

    @Override
    public void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        Unfolding unfolding = new Unfolding(geometry, workspaces, ArrayType.FF_WORKING_MEM);
        INDArray columns = unfolding.columns(input);
        INDArray product = unfolding.array(input, weights.size(0), columns.size(1));
        NativeOp.run("matmul", new INDArray[] {Unfolding.rows(weights), columns}, new INDArray[] {product});
        if (bias != null) {
            product.addiColumnVector(bias.reshape(bias.length(), 1));
        }
        unfolding.write(product, output);
    }

    @Override
    public boolean computesInputAlone() {
        return true;
    }

    @Override
    public void backward(
            INDArray input,
            INDArray weights,
            INDArray error,
            Gradients gradients,
            boolean add,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        Unfolding unfolding = new Unfolding(geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = unfolding.channels(error);
        if (gradients.weights() != null) {
            NativeOp.byTransposed(delta, unfolding.columns(input), Unfolding.rows(gradients.weights()), add);
        }
        if (gradients.bias() != null) {
            ChannelMath math = new ChannelMath(1, workspaces, ArrayType.BP_WORKING_MEM);
            math.sum(math.inOrder(error), gradients.bias(), add);
        }
        if (gradients.input() != null) {
            unfolding.fold(weights, delta, error, gradients.input());
        }
    }
}
