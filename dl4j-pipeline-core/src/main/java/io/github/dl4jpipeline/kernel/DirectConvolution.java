package io.github.dl4jpipeline.kernel;

import java.util.Objects;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** As one native operation, which oneDNN runs where it is compiled in. */
final class DirectConvolution implements ConvolutionCode {

    /** The oneDNN of ND4J 1.0.0-M2.1 refuses dilated convolutions. */
    static boolean canRun(ConvolutionGeometry geometry) {
        return ConvolutionGeometry.isAll(geometry.dilation(), 1);
    }

    @Override
    public void forward(
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

    /** The same for {@linkplain ChannelsLast#view views} of input and output with the channels last. */
    void forwardChannelsLast(
            INDArray input, INDArray weights, @Nullable INDArray bias, INDArray output, ConvolutionGeometry geometry) {
        forward(input, weights, bias, output, geometry.arguments(false));
    }

    private static void forward(
            INDArray input, INDArray weights, @Nullable INDArray bias, INDArray output, int... arguments) {
        NativeOp.run(
                "conv2d",
                bias == null ? new INDArray[] {input, weights} : new INDArray[] {input, weights, bias},
                new INDArray[] {output},
                arguments);
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
        INDArray from = inOrder(input, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = inOrder(error, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray ofInput = gradients.input() == null ? scratch(input, workspaces) : gradients.input();
        INDArray biasSum = gradients.bias();
        INDArray weightSum = Objects.requireNonNull(gradients.weights());
        INDArray ofWeights = add ? scratch(weightSum, workspaces) : weightSum;
        if (biasSum == null) {
            NativeOp.run(
                    "conv2d_bp",
                    new INDArray[] {from, weights, delta},
                    new INDArray[] {ofInput, ofWeights},
                    geometry.arguments());
        } else {
            INDArray ofBias = add ? scratch(biasSum, workspaces) : biasSum;
            NativeOp.run(
                    "conv2d_bp",
                    new INDArray[] {from, weights, biasSum, delta}, // of the bias only the shape matters
                    new INDArray[] {ofInput, ofWeights, ofBias},
                    geometry.arguments());
            if (add) {
                biasSum.addi(ofBias);
            }
        }
        if (add) {
            weightSum.addi(ofWeights);
        }
    }

    /** The operation always writes all gradients, over what is there. */
    private static INDArray scratch(INDArray like, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, like.dataType(), like.shape(), 'c');
    }
}
