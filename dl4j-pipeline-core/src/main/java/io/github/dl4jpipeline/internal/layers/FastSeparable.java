package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.SeparableConvolution2DLayer;
import org.deeplearning4j.nn.params.SeparableConvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A separable 2D convolution as one of each channel by itself and a pointwise one after it. Both are oneDNN's for floats, the
 * first with one output of each channel. The one native operation that Deeplearning4j takes for both is not, and took 17 to 80
 * times as long on one core.
 */
final class FastSeparable extends SeparableConvolution2DLayer {
    private final InPlaceActivation activation;
    private final ConvolutionGeometry ofChannels;
    private final ConvolutionGeometry pointwise;
    private final DirectConvolution code = new DirectConvolution();
    private @Nullable INDArray channels;

    FastSeparable(SeparableConvolution2DLayer original) {
        super(original.conf(), original.params().dataType());
        CNN2DFormat format = layerConf().getCnn2dDataFormat();
        activation = new InPlaceActivation(layerConf().getActivationFn());
        ofChannels = new ConvolutionGeometry(layerConf(), convolutionMode);
        pointwise = ConvolutionGeometry.pointwise(format);
    }

    /**
     * oneDNN refuses dilated kernels, those smaller than their stride have no padding in {@code Same} mode, and
     * Deeplearning4j fails with one input channel.
     */
    static boolean canRun(ConvolutionGeometry geometry) {
        return DirectConvolution.canRun(geometry)
                && geometry.coversInput()
                && geometry.layer().getNIn() > 1;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        INDArray ofEach = ofEachChannel(training, workspaces);
        INDArray ofPoints = ofPoints(training, workspaces);
        validateInputRank();
        validateInputDepth(ofEach.size(2));
        INDArray from =
                DirectConvolution.inOrder(input.castTo(dataType), ofChannels, workspaces, ArrayType.FF_WORKING_MEM);
        INDArray between = workspaces.createUninitialized(
                training ? ArrayType.ACTIVATIONS : ArrayType.FF_WORKING_MEM,
                dataType,
                ofChannels.outputShape(from, ofPoints.size(1)),
                'c');
        NativeOp.run(
                "depthwise_conv2d",
                new INDArray[] {from, ofEach},
                new INDArray[] {between},
                ofChannels.channelArguments());
        INDArray output = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS, dataType, pointwise.outputShape(between, ofPoints.size(0)), 'c');
        INDArray bias = hasBias()
                ? getParamWithNoise(SeparableConvolutionParamInitializer.BIAS_KEY, training, workspaces)
                : null;
        code.forward(between, ofPoints, bias, output, pointwise, workspaces);
        if (training) {
            channels = between;
        }
        return activation.forward(output, training, workspaces);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray between = channels;
        if (between == null) {
            throw new IllegalStateException("Backward pass without a forward pass in training before it");
        }
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        INDArray pointSum = gradientViews.get(SeparableConvolutionParamInitializer.POINT_WISE_WEIGHT_KEY);
        INDArray channelSum = gradientViews.get(SeparableConvolutionParamInitializer.DEPTH_WISE_WEIGHT_KEY);
        INDArray biasSum = hasBias() ? gradientViews.get(SeparableConvolutionParamInitializer.BIAS_KEY) : null;
        INDArray betweenError =
                workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, dataType, between.shape(), 'c');
        code.backward(
                between,
                ofPoints(true, workspaces),
                delta,
                new DirectConvolution.Gradients(betweenError, pointSum, biasSum),
                false,
                pointwise,
                workspaces);
        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'c');
        INDArray from =
                DirectConvolution.inOrder(input.castTo(dataType), ofChannels, workspaces, ArrayType.BP_WORKING_MEM);
        NativeOp.run(
                "depthwise_conv2d_bp",
                new INDArray[] {from, ofEachChannel(true, workspaces), betweenError},
                new INDArray[] {inputError, asNative(channelSum)},
                ofChannels.channelArguments());

        Gradient gradient = new DefaultGradient();
        if (biasSum != null) {
            gradient.setGradientFor(SeparableConvolutionParamInitializer.BIAS_KEY, biasSum);
        }
        gradient.setGradientFor(SeparableConvolutionParamInitializer.DEPTH_WISE_WEIGHT_KEY, channelSum, 'c');
        gradient.setGradientFor(SeparableConvolutionParamInitializer.POINT_WISE_WEIGHT_KEY, pointSum, 'c');
        weightNoiseParams.clear();
        return new Pair<>(gradient, backpropDropOutIfPresent(inputError));
    }

    /** The weights {@code [height, width, inputs, outputs of each]}. */
    private INDArray ofEachChannel(boolean training, LayerWorkspaceMgr workspaces) {
        return asNative(
                getParamWithNoise(SeparableConvolutionParamInitializer.DEPTH_WISE_WEIGHT_KEY, training, workspaces));
    }

    /** The weights {@code [outputs, inputs * outputs of each, 1, 1]}. */
    private INDArray ofPoints(boolean training, LayerWorkspaceMgr workspaces) {
        return getParamWithNoise(SeparableConvolutionParamInitializer.POINT_WISE_WEIGHT_KEY, training, workspaces);
    }

    /** A view of {@code [outputs of each, inputs, height, width]} in the order of the native operations. */
    private static INDArray asNative(INDArray weights) {
        return weights.permute(2, 3, 1, 0);
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
        channels = null;
    }
}
