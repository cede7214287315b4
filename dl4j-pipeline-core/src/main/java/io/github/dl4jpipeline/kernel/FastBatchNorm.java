package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Batch normalization of examples or images, with learned scale and shift, as a few passes over the activations. Keeps
 * the moments of the batch and its input, nothing else of the size of the activations.
 *
 * <p>Forward and backward pass are those of Ioffe and Szegedy, "Batch normalization", ICML 2015. In training only;
 * inference and other input are left to Deeplearning4j's own code.
 */
final class FastBatchNorm extends BatchNormalization {
    private @Nullable Moments moments;

    FastBatchNorm(BatchNormalization original) {
        super(original.conf(), original.params().dataType());
    }

    /** Of the input of the last forward pass in training. */
    @Nullable Moments moments() {
        return moments;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        moments = null;
        if (!training || !isSupported(input)) {
            return super.activate(training, workspaces);
        }
        ChannelMath math = new ChannelMath(channelAxis(), workspaces, ArrayType.FF_WORKING_MEM);
        INDArray from = math.inOrder(input);
        double count = (double) from.length() / from.size(math.axis());
        INDArray mean =
                math.sum(from, perChannel(ArrayType.ACTIVATIONS, workspaces)).divi(count);
        INDArray one = perChannel(ArrayType.FF_WORKING_MEM, workspaces).assign(1);
        INDArray zero = perChannel(ArrayType.FF_WORKING_MEM, workspaces).assign(0);

        INDArray squares = math.scratch(from);
        math.affine(from, mean, one, 0, one, zero, squares);
        squares.muli(squares);
        INDArray variance =
                math.sum(squares, perChannel(ArrayType.ACTIVATIONS, workspaces)).divi(count);
        moments = new Moments(mean, variance);

        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, from.shape(), 'c');
        INDArray beta = flat(BatchNormalizationParamInitializer.BETA);
        math.affine(from, mean, variance, epsilon(), gamma(), beta, output);
        return output;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        Moments batch = moments;
        if (batch == null) {
            return super.backpropGradient(error, workspaces);
        }
        ChannelMath math = new ChannelMath(channelAxis(), workspaces, ArrayType.BP_WORKING_MEM);
        INDArray from = math.inOrder(input);
        INDArray delta = math.inOrder(error);
        double count = (double) from.length() / from.size(math.axis());
        INDArray one = perChannel(ArrayType.BP_WORKING_MEM, workspaces).assign(1);
        INDArray zero = perChannel(ArrayType.BP_WORKING_MEM, workspaces).assign(0);

        INDArray shiftGradient = math.sum(delta, perChannel(ArrayType.BP_WORKING_MEM, workspaces));
        INDArray scratch = math.scratch(from);
        math.affine(from, batch.mean(), batch.variance(), epsilon(), one, zero, scratch);
        scratch.muli(delta);
        INDArray scaleGradient = math.sum(scratch, perChannel(ArrayType.BP_WORKING_MEM, workspaces));

        // With x' the normalized input: scale / std * (error - mean(error) - x' * mean(error * x'))
        INDArray inverseStd = Transforms.pow(batch.variance().add(epsilon()), -0.5, false);
        INDArray factor = inverseStd.muli(gamma());
        INDArray ofNormalized = scaleGradient.div(-count).muli(factor);
        INDArray constant = shiftGradient.div(-count).muli(factor);
        math.affine(from, batch.mean(), batch.variance(), epsilon(), ofNormalized, constant, scratch);
        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, from.shape(), 'c');
        math.affine(delta, zero, one, 0, factor, zero, inputError);
        inputError.addi(scratch);

        gradientViews.get(BatchNormalizationParamInitializer.GAMMA).assign(scaleGradient);
        gradientViews.get(BatchNormalizationParamInitializer.BETA).assign(shiftGradient);
        batch.writeChanges(this, gradientViews);
        Gradient gradient = new DefaultGradient();
        gradientViews.forEach(gradient::setGradientFor);
        return new Pair<>(gradient, inputError);
    }

    private boolean isSupported(INDArray array) {
        return (array.rank() == 2 || array.rank() == 4)
                && array.dataType() == dataType
                && array.size(channelAxis()) == layerConf().getNOut();
    }

    private int channelAxis() {
        return input.rank() == 4 && layerConf().getCnn2DFormat() == CNN2DFormat.NHWC ? 3 : 1;
    }

    private double epsilon() {
        return layerConf().getEps();
    }

    private INDArray gamma() {
        return flat(BatchNormalizationParamInitializer.GAMMA);
    }

    private INDArray flat(String parameter) {
        INDArray array = getParam(parameter);
        return array.reshape(array.length());
    }

    private INDArray perChannel(ArrayType type, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(type, dataType, layerConf().getNOut());
    }

    @Override
    public void clear() {
        super.clear();
        moments = null;
    }
}
