package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ConvolutionUtils;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A 2D convolution as one native operation forward and one backward, which oneDNN runs where it is compiled in.
 * Deeplearning4j's own unfolds the input (im2col) in both passes and computes the pre-activation twice.
 */
final class FastConvolution extends ConvolutionLayer implements AddsGradients {
    private static final int OUTPUT_CHANNELS_FIRST = 1;

    private final InPlaceActivation activation;
    private boolean add;

    FastConvolution(ConvolutionLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        validateInputRank();
        INDArray weights = getParamWithNoise(ConvolutionParamInitializer.WEIGHT_KEY, training, workspaces);
        validateInputDepth(weights.size(1));
        INDArray bias = bias(training, workspaces);
        INDArray from = input.castTo(dataType);
        INDArray output =
                workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, outputShape(from, weights), 'c');
        NativeOp.run(
                "conv2d",
                bias == null ? new INDArray[] {from, weights} : new INDArray[] {from, weights, bias},
                new INDArray[] {output},
                arguments());
        return activation.forward(output, training, workspaces);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray weights = getParamWithNoise(ConvolutionParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray bias = bias(true, workspaces);
        INDArray from = input.castTo(dataType);
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, from.shape(), 'c');

        Gradient gradient = new DefaultGradient();
        INDArray weightSum = gradientViews.get(ConvolutionParamInitializer.WEIGHT_KEY);
        INDArray weightGradient = target(weightSum, workspaces);
        if (bias == null) {
            NativeOp.run(
                    "conv2d_bp",
                    new INDArray[] {from, weights, delta},
                    new INDArray[] {inputError, weightGradient},
                    arguments());
        } else {
            INDArray biasSum = gradientViews.get(ConvolutionParamInitializer.BIAS_KEY);
            INDArray biasGradient = target(biasSum, workspaces);
            NativeOp.run(
                    "conv2d_bp",
                    new INDArray[] {from, weights, bias, delta},
                    new INDArray[] {inputError, weightGradient, biasGradient},
                    arguments());
            addTo(biasSum, biasGradient);
            gradient.setGradientFor(ConvolutionParamInitializer.BIAS_KEY, biasSum);
        }
        addTo(weightSum, weightGradient);
        gradient.setGradientFor(ConvolutionParamInitializer.WEIGHT_KEY, weightSum, 'c');
        weightNoiseParams.clear();
        return new Pair<>(gradient, backpropDropOutIfPresent(inputError));
    }

    /** Where to compute a gradient that the operation overwrites. */
    private INDArray target(INDArray sum, LayerWorkspaceMgr workspaces) {
        return add
                ? workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, sum.dataType(), sum.shape(), sum.ordering())
                : sum;
    }

    private void addTo(INDArray sum, INDArray gradient) {
        if (add) {
            sum.addi(gradient);
        }
    }

    private @Nullable INDArray bias(boolean training, LayerWorkspaceMgr workspaces) {
        return hasBias() ? getParamWithNoise(ConvolutionParamInitializer.BIAS_KEY, training, workspaces) : null;
    }

    private long[] outputShape(INDArray from, INDArray weights) {
        int[] size = ConvolutionUtils.getOutputSize(
                from,
                layerConf().getKernelSize(),
                layerConf().getStride(),
                isSame() ? null : layerConf().getPadding(),
                convolutionMode,
                layerConf().getDilation(),
                layerConf().getCnn2dDataFormat());
        return isChannelsFirst()
                ? new long[] {from.size(0), weights.size(0), size[0], size[1]}
                : new long[] {from.size(0), size[0], size[1], weights.size(0)};
    }

    private int[] arguments() {
        int[] kernel = layerConf().getKernelSize();
        int[] stride = layerConf().getStride();
        int[] padding = layerConf().getPadding();
        int[] dilation = layerConf().getDilation();
        return new int[] {
            kernel[0],
            kernel[1],
            stride[0],
            stride[1],
            padding[0],
            padding[1],
            dilation[0],
            dilation[1],
            isSame() ? 1 : 0,
            isChannelsFirst() ? 0 : 1,
            OUTPUT_CHANNELS_FIRST
        };
    }

    private boolean isSame() {
        return convolutionMode == ConvolutionMode.Same;
    }

    private boolean isChannelsFirst() {
        return layerConf().getCnn2dDataFormat() == CNN2DFormat.NCHW;
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
    }
}
