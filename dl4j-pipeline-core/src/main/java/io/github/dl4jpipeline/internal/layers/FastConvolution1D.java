package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.layers.convolution.Convolution1DLayer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.Convolution1DUtils;
import org.deeplearning4j.util.ConvolutionUtils;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;

/**
 * A 1D convolution, for channels first, that writes its output where it stays and keeps its pre-activation. Deeplearning4j's
 * own copies the one and computes the other again.
 */
final class FastConvolution1D extends Convolution1DLayer {
    private final InPlaceActivation activation;
    private @Nullable INDArray kept;

    FastConvolution1D(Convolution1DLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        INDArray output =
                activation.forward(preOutput(training, false, workspaces).getFirst(), training, workspaces);
        kept = training ? activation.preActivation(output) : null;
        return maskArray == null ? output : masked(output, maskArray, workspaces);
    }

    /** In an array of its own, since the derivative does not know of the mask. */
    private INDArray masked(INDArray output, INDArray mask, LayerWorkspaceMgr workspaces) {
        INDArray ofOutput = feedForwardMaskArray(mask, MaskState.Active, (int) output.size(0))
                .getFirst();
        INDArray written = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, output.shape(), 'c');
        return Broadcast.mul(output, ofOutput, written, 0, 2);
    }

    /** The parameters are without noise, as Deeplearning4j's own layer takes them. */
    @Override
    protected Pair<INDArray, INDArray> preOutput(boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        if (forBackprop && kept != null) {
            return new Pair<>(kept, null);
        }
        if (forBackprop || input.rank() != 3 || input.size(1) != layerConf().getNIn()) {
            return super.preOutput(training, forBackprop, workspaces); // which says what is wrong
        }
        int kernel = layerConf().getKernelSize()[0];
        int stride = layerConf().getStride()[0];
        int padding = layerConf().getPadding()[0];
        int dilation = layerConf().getDilation()[0];
        INDArray from = input.castTo(dataType);
        long length =
                Convolution1DUtils.getOutputSize(from.size(2), kernel, stride, padding, convolutionMode, dilation);
        if (length < 1) { // which would end the process
            throw new DL4JInvalidInputException("Layer '" + layerConf().getLayerName()
                    + "' has no output for input of length " + from.size(2) + ": kernel " + kernel + ", stride "
                    + stride
                    + ", dilation " + dilation + ", padding " + padding + ", " + convolutionMode);
        }
        INDArray weights = Convolution1DUtils.reshapeWeightArrayOrGradientForFormat(
                getParam(ConvolutionParamInitializer.WEIGHT_KEY), RNNFormat.NCW);
        INDArray output = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS,
                dataType,
                new long[] {from.size(0), layerConf().getNOut(), length},
                'c');
        INDArray[] inputs = hasBias()
                ? new INDArray[] {from, weights, row(getParam(ConvolutionParamInitializer.BIAS_KEY))}
                : new INDArray[] {from, weights};
        int mode = ConvolutionUtils.paddingModeForConvolutionMode(convolutionMode).index;
        NativeOp.run("conv1d", inputs, new INDArray[] {output}, kernel, stride, padding, dilation, mode, 0);
        return new Pair<>(output, null);
    }

    private static INDArray row(INDArray bias) {
        return bias.reshape(bias.length());
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
        kept = null;
    }
}
