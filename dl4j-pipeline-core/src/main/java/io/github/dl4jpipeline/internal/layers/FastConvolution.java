package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A 2D convolution in few native operations. Deeplearning4j's own unfolds the input slowly in both passes, and computes the
 * pre-activation twice.
 */
final class FastConvolution extends ConvolutionLayer implements AddsGradients, GradientAlone, PostponesGradient {
    private final ForwardConvolution forwardCode;
    private final BackwardConvolution backwardCode;
    private final InPlaceActivation activation;
    private boolean add;
    private boolean postpone;
    private boolean channelsLast;

    /** What a backward pass has left its gradients to follow from. */
    private @Nullable INDArray postponed;

    FastConvolution(ConvolutionLayer original, ForwardConvolution forward, BackwardConvolution backward) {
        super(original.conf(), original.params().dataType());
        forwardCode = forward;
        backwardCode = backward;
        activation = new InPlaceActivation(layerConf().getActivationFn());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public void postponeGradient(boolean value) {
        postpone = value;
    }

    @Override
    public long elementsToAdd() {
        return add && backwardCode instanceof DirectConvolution
                ? getParam(ConvolutionParamInitializer.WEIGHT_KEY).length()
                : 0;
    }

    /** Whether outputs may be put out channels last. */
    boolean canBeChannelsLast() {
        return forwardCode instanceof DirectConvolution && geometry().isChannelsFirst() && activation.isElementWise();
    }

    /** Has outputs in inference be in memory as {@link ChannelsLast} says. */
    void putOutChannelsLast() {
        channelsLast = true;
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
        ConvolutionGeometry geometry = geometry();
        long[] shape = geometry.outputShape(from, weights.size(0));
        if (channelsLast && !training && forwardCode instanceof DirectConvolution direct) {
            INDArray view = workspaces.createUninitialized(
                    ArrayType.ACTIVATIONS, dataType, new long[] {shape[0], shape[2], shape[3], shape[1]}, 'c');
            direct.forwardChannelsLast(ChannelsLast.packedView(from, workspaces), weights, bias, view, geometry);
            return ChannelsLast.maps(activation.forward(view, false, workspaces));
        }
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'c');
        forwardCode.forward(
                training ? from : ChannelsLast.channelsFirst(from, workspaces),
                weights,
                bias,
                output,
                geometry,
                workspaces);
        return activation.forward(output, training, workspaces);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'c');
        Gradient gradient = backward(error, inputError, workspaces);
        return new Pair<>(gradient, backpropDropOutIfPresent(inputError));
    }

    @Override
    public Gradient gradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        return backward(error, null, workspaces);
    }

    private Gradient backward(INDArray error, @Nullable INDArray inputError, LayerWorkspaceMgr workspaces) {
        INDArray weights = getParamWithNoise(ConvolutionParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        weightNoiseParams.clear();
        if (postpone && (inputError == null || backwardCode.computesInputAlone())) {
            if (inputError != null) {
                BackwardConvolution.Gradients alone = new BackwardConvolution.Gradients(inputError, null, null);
                backward(weights, delta, alone, workspaces);
            }
            postponed = workspaces.dup(ArrayType.INPUT, delta); // which lives as long as the activations
            return new DefaultGradient();
        }
        return gradient(weights, delta, inputError, workspaces);
    }

    @Override
    public @Nullable Gradient postponedGradient(LayerWorkspaceMgr workspaces) {
        INDArray delta = postponed;
        postponed = null;
        // Without the input's gradient the weights, which may have had noise, do not matter.
        return delta == null
                ? null
                : gradient(getParam(ConvolutionParamInitializer.WEIGHT_KEY), delta, null, workspaces);
    }

    private Gradient gradient(
            INDArray weights, INDArray delta, @Nullable INDArray inputError, LayerWorkspaceMgr workspaces) {
        INDArray ofWeights = gradientViews.get(ConvolutionParamInitializer.WEIGHT_KEY);
        INDArray ofBias = hasBias() ? gradientViews.get(ConvolutionParamInitializer.BIAS_KEY) : null;
        backward(weights, delta, new BackwardConvolution.Gradients(inputError, ofWeights, ofBias), workspaces);
        Gradient gradient = new DefaultGradient();
        if (ofBias != null) {
            gradient.setGradientFor(ConvolutionParamInitializer.BIAS_KEY, ofBias);
        }
        gradient.setGradientFor(ConvolutionParamInitializer.WEIGHT_KEY, ofWeights, 'c');
        return gradient;
    }

    private void backward(
            INDArray weights, INDArray delta, BackwardConvolution.Gradients gradients, LayerWorkspaceMgr workspaces) {
        backwardCode.backward(input.castTo(dataType), weights, delta, gradients, add, geometry(), workspaces);
    }

    private @Nullable INDArray bias(boolean training, LayerWorkspaceMgr workspaces) {
        return hasBias() ? getParamWithNoise(ConvolutionParamInitializer.BIAS_KEY, training, workspaces) : null;
    }

    private ConvolutionGeometry geometry() {
        return new ConvolutionGeometry(layerConf(), convolutionMode);
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
        postponed = null;
    }
}
