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
final class FastConvolution extends ConvolutionLayer implements AddsGradients, GradientAlone {
    private final DirectConvolution code = new DirectConvolution();
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
    public long elementsToAdd() {
        return add ? getParam(ConvolutionParamInitializer.WEIGHT_KEY).length() : 0;
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
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'c');
        code.forward(from, weights, bias, output, geometry, workspaces);
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
        INDArray ofWeights = gradientViews.get(ConvolutionParamInitializer.WEIGHT_KEY);
        INDArray ofBias = hasBias() ? gradientViews.get(ConvolutionParamInitializer.BIAS_KEY) : null;
        code.backward(
                input.castTo(dataType),
                weights,
                delta,
                new DirectConvolution.Gradients(inputError, ofWeights, ofBias),
                add,
                geometry(),
                workspaces);
        Gradient gradient = new DefaultGradient();
        if (ofBias != null) {
            gradient.setGradientFor(ConvolutionParamInitializer.BIAS_KEY, ofBias);
        }
        gradient.setGradientFor(ConvolutionParamInitializer.WEIGHT_KEY, ofWeights, 'c');
        return gradient;
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
    }
}
