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
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Batch normalization of examples or images, with learned scale and shift, in few passes over the activations. Keeps the
 * moments of the batch and its input, nothing else of the size of the activations.
 *
 * <p>Forward and backward pass are those of Ioffe and Szegedy, "Batch normalization", ICML 2015. Other input than rows
 * and images is left to Deeplearning4j's own code.
 */
final class FastBatchNorm extends BatchNormalization {
    private @Nullable Moments moments;
    private @Nullable JointSums joint;
    private int microBatch;

    FastBatchNorm(BatchNormalization original) {
        super(original.conf(), original.params().dataType());
    }

    /** Takes the statistics over all micro-batches that join the sums, of which this layer sees the one numbered. */
    void join(JointSums sums, int number) {
        joint = sums;
        microBatch = number;
    }

    /** Of the input of the last forward pass in training. */
    @Nullable Moments moments() {
        return moments;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        moments = null;
        if (!isSupported(input)) {
            requireAlone();
            return super.activate(training, workspaces);
        }
        ChannelMath math = new ChannelMath(channelAxis(), workspaces, ArrayType.FF_WORKING_MEM);
        INDArray from = math.inOrder(input);
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, from.shape(), 'c');
        INDArray variance;
        if (training) {
            double count = valuesOfChannel(from, math);
            INDArray mean = joined(math.sum(from, perChannel(ArrayType.ACTIVATIONS, workspaces)))
                    .divi(count);
            math.plus(from, mean.neg(), output);
            variance = joined(math.sumOfSquares(output, perChannel(ArrayType.ACTIVATIONS, workspaces)))
                    .divi(count);
            moments = new Moments(mean, variance);
        } else {
            math.plus(from, flat(BatchNormalizationParamInitializer.GLOBAL_MEAN).neg(), output);
            variance = runningVariance();
        }
        math.multiply(output, inverseDeviation(variance).muli(flat(BatchNormalizationParamInitializer.GAMMA)));
        return math.plus(output, flat(BatchNormalizationParamInitializer.BETA), output);
    }

    private INDArray runningVariance() {
        return layerConf().isUseLogStd()
                ? Transforms.exp(
                        flat(BatchNormalizationParamInitializer.GLOBAL_LOG_STD).mul(2 * Math.log(10)), false)
                : flat(BatchNormalizationParamInitializer.GLOBAL_VAR);
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
        double count = valuesOfChannel(from, math);
        INDArray inverse = inverseDeviation(batch.variance());

        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, from.shape(), 'c');
        math.plus(from, batch.mean().neg(), inputError);
        INDArray products = math.scratch(from);
        Nd4j.exec(new MulOp(inputError, delta, products));
        INDArray scaleGradient = math.sum(products, perChannel(ArrayType.BP_WORKING_MEM, workspaces))
                .muli(inverse);
        INDArray shiftGradient = math.sum(delta, perChannel(ArrayType.BP_WORKING_MEM, workspaces));

        gradientViews.get(BatchNormalizationParamInitializer.GAMMA).assign(scaleGradient);
        gradientViews.get(BatchNormalizationParamInitializer.BETA).assign(shiftGradient);
        joined(scaleGradient);
        joined(shiftGradient);

        // With x' the normalized input: scale / deviation * (error - mean(error) - x' * mean(error * x'))
        math.multiply(inputError, scaleGradient.mul(inverse).divi(-count));
        inputError.addi(delta);
        math.plus(inputError, shiftGradient.div(-count), inputError);
        math.multiply(inputError, inverse.mul(flat(BatchNormalizationParamInitializer.GAMMA)));

        batch.writeChanges(this, gradientViews);
        Gradient gradient = new DefaultGradient();
        gradientViews.forEach(gradient::setGradientFor);
        return new Pair<>(gradient, inputError);
    }

    /** How many values of the batch belong to a channel. */
    private double valuesOfChannel(INDArray from, ChannelMath math) {
        double own = (double) from.length() / from.size(math.axis());
        return joint == null ? own : own / joint.share(microBatch);
    }

    private INDArray joined(INDArray sum) {
        if (joint != null) {
            joint.join(microBatch, sum);
        }
        return sum;
    }

    private void requireAlone() {
        if (joint != null) {
            throw new IllegalStateException("Batch normalization of "
                    + input.shapeInfoToString().trim() + " cannot be joined across micro-batches; set microBatches(1)");
        }
    }

    private boolean isSupported(INDArray array) {
        return (array.rank() == 2 || array.rank() == 4)
                && array.dataType() == dataType
                && array.size(channelAxis()) == layerConf().getNOut();
    }

    private int channelAxis() {
        return input.rank() == 4 && layerConf().getCnn2DFormat() == CNN2DFormat.NHWC ? 3 : 1;
    }

    private INDArray inverseDeviation(INDArray variance) {
        return Transforms.pow(variance.add(layerConf().getEps()), -0.5, false);
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
