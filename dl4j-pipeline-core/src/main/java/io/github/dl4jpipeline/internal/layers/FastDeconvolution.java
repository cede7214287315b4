package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.Deconvolution2DLayer;
import org.deeplearning4j.nn.params.DeconvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A transposed 2D convolution, for channels first: the input gradient of the convolution that has its outputs for inputs, as
 * products of matrices, which reach 40 to 90 GFLOP/s on one core. The native operations that Deeplearning4j takes reached 3 to
 * 24.
 */
final class FastDeconvolution extends Deconvolution2DLayer {
    private final InPlaceActivation activation;
    private final ConvolutionGeometry transposed;

    FastDeconvolution(Deconvolution2DLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
        transposed = new ConvolutionGeometry(layerConf(), convolutionMode);
    }

    /** Kernels smaller than their stride leave outputs out, which {@code Same} mode has no padding for. */
    static boolean canRun(ConvolutionGeometry geometry) {
        return geometry.isChannelsFirst() && geometry.coversInput();
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        INDArray weights = getParamWithNoise(DeconvolutionParamInitializer.WEIGHT_KEY, training, workspaces);
        validateInputRank();
        validateInputDepth(weights.size(0));
        INDArray from = input.castTo(dataType);
        int[] size = transposed.transposedOutputSize(from);
        INDArray output = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS, dataType, new long[] {from.size(0), weights.size(1), size[0], size[1]}, 'c');
        Unfolding unfolding = new Unfolding(transposed, workspaces, ArrayType.FF_WORKING_MEM);
        unfolding.fold(weights, unfolding.channels(from), from, output);
        if (hasBias()) {
            INDArray bias = getParamWithNoise(DeconvolutionParamInitializer.BIAS_KEY, training, workspaces);
            new ChannelMath(1, workspaces, ArrayType.FF_WORKING_MEM).add(output, ChannelValues.of(bias));
        }
        return activation.forward(output, training, workspaces);
    }

    /** The error is not put through the input's dropout, as Deeplearning4j's own layer does not. */
    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray weights = getParamWithNoise(DeconvolutionParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        Unfolding unfolding = new Unfolding(transposed, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray columns = unfolding.columns(delta);
        INDArray weightSum = gradientViews.get(DeconvolutionParamInitializer.WEIGHT_KEY);
        INDArray from = unfolding.channels(input.castTo(dataType));
        NativeOp.byTransposed(from, columns, Unfolding.rows(weightSum), false);
        INDArray product = unfolding.array(delta, from.shape());
        NativeOp.run("matmul", new INDArray[] {Unfolding.rows(weights), columns}, new INDArray[] {product});
        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape(), 'c');
        unfolding.write(product, inputError);

        Gradient gradient = new DefaultGradient();
        if (hasBias()) {
            INDArray biasSum = gradientViews.get(DeconvolutionParamInitializer.BIAS_KEY);
            ChannelMath math = new ChannelMath(1, workspaces, ArrayType.BP_WORKING_MEM);
            math.sum(math.inOrder(delta), biasSum, false);
            gradient.setGradientFor(DeconvolutionParamInitializer.BIAS_KEY, biasSum);
        }
        gradient.setGradientFor(DeconvolutionParamInitializer.WEIGHT_KEY, weightSum, 'c');
        weightNoiseParams.clear();
        return new Pair<>(gradient, inputError);
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
    }
}
