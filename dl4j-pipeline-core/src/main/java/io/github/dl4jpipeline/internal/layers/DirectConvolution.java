package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A 2D convolution as ND4J's operation. Weights are {@code [outputs, inputs, height, width]}, a bias is a row. */
final class DirectConvolution {
    /**
     * Where gradients go.
     *
     * @param input overwritten; in row-major order; null if nothing needs it
     * @param weights in row-major order
     * @param bias null without a bias
     */
    record Gradients(
            @Nullable INDArray input,
            INDArray weights,
            @Nullable INDArray bias) {}

    /** The oneDNN of ND4J 1.0.0-M2.1 refuses dilated convolutions. */
    static boolean canRun(ConvolutionGeometry geometry) {
        return ConvolutionGeometry.isAll(geometry.dilation(), 1);
    }

    /** Writes the convolution of the input to {@code output}, an array in row-major order. */
    void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        INDArray from = inOrder(input, geometry, workspaces, ArrayType.FF_WORKING_MEM);
        forward(from, weights, bias, output, geometry.arguments());
    }

    /** With channels last the operation reads views, such as of maps with channels first, as if they were none. */
    static INDArray inOrder(
            INDArray array, ConvolutionGeometry geometry, LayerWorkspaceMgr workspaces, ArrayType memory) {
        return geometry.isChannelsFirst() ? array : new ChannelMath(1, workspaces, memory).inOrder(array);
    }

    private static void forward(
            INDArray input, INDArray weights, @Nullable INDArray bias, INDArray output, int... arguments) {
        NativeOp.run(
                "conv2d",
                bias == null ? new INDArray[] {input, weights} : new INDArray[] {input, weights, bias},
                new INDArray[] {output},
                arguments);
    }

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
            LayerWorkspaceMgr workspaces) {
        INDArray from = inOrder(input, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = inOrder(error, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray ofInput = gradients.input() == null ? scratch(input, workspaces) : gradients.input();
        INDArray bias = gradients.bias();
        INDArray ofWeights = add ? scratch(gradients.weights(), workspaces) : gradients.weights();
        INDArray ofBias = add && bias != null ? scratch(bias, workspaces) : bias;
        // of the bias only the shape matters as an input
        NativeOp.run(
                "conv2d_bp",
                bias == null ? new INDArray[] {from, weights, delta} : new INDArray[] {from, weights, bias, delta},
                bias == null ? new INDArray[] {ofInput, ofWeights} : new INDArray[] {ofInput, ofWeights, ofBias},
                geometry.arguments());
        if (add) {
            gradients.weights().addi(ofWeights);
            if (bias != null) {
                bias.addi(ofBias);
            }
        }
    }

    private static INDArray scratch(INDArray like, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, like.dataType(), like.shape(), 'c');
    }
}
