package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Batch normalization of examples or images, with learned scale and shift, in few passes over the activations. Keeps the
 * moments of the batch and its input, nothing else of the size of the activations.
 *
 * <p>Forward and backward pass are those of Ioffe and Szegedy, "Batch normalization", ICML 2015. Other input than rows
 * and images is left to Deeplearning4j's own code.
 */
public final class FastBatchNorm extends BatchNormalization {
    private @Nullable Moments moments;
    private @Nullable JointSums joint;
    private int microBatch;

    FastBatchNorm(BatchNormalization original) {
        super(original.conf(), original.params().dataType());
    }

    /** Takes the statistics over all micro-batches that join the sums, of which this layer sees the one numbered. */
    public void join(JointSums sums, int number) {
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
        ChannelMath math = math(workspaces, ArrayType.FF_WORKING_MEM);
        INDArray from = math.inOrder(input);
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, from.shape(), 'c');
        double[] variance;
        if (training) {
            double count = valuesOfChannel(from, math);
            double[] mean = ChannelValues.each(joined(math.sum(from)), sum -> sum / count);
            variance = ChannelValues.each(joined(math.minusAndSquare(from, mean, output)), sum -> sum / count);
            moments = new Moments(mean, variance);
        } else {
            math.minus(from, values(BatchNormalizationParamInitializer.GLOBAL_MEAN), output);
            variance = runningVariance();
        }
        double[] scale =
                ChannelValues.product(inverseDeviation(variance), values(BatchNormalizationParamInitializer.GAMMA));
        return math.multiplyAndAdd(output, scale, values(BatchNormalizationParamInitializer.BETA));
    }

    private double[] runningVariance() {
        return layerConf().isUseLogStd()
                ? ChannelValues.each(
                        values(BatchNormalizationParamInitializer.GLOBAL_LOG_STD), log -> Math.pow(10, 2 * log))
                : values(BatchNormalizationParamInitializer.GLOBAL_VAR);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        Moments batch = moments;
        if (batch == null) {
            return super.backpropGradient(error, workspaces);
        }
        ChannelMath math = math(workspaces, ArrayType.BP_WORKING_MEM);
        INDArray from = math.inOrder(input);
        INDArray delta = math.inOrder(error);
        double count = valuesOfChannel(from, math);
        double[] inverse = inverseDeviation(batch.variance());

        INDArray inputError = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, from.shape(), 'c');
        ChannelMath.Sums sums = math.minusAndMultiply(from, batch.mean(), delta, inputError);
        double[] ownScale = ChannelValues.product(sums.products, inverse);
        double[] ownShift = sums.others;
        ChannelValues.write(ownScale, gradientViews.get(BatchNormalizationParamInitializer.GAMMA));
        ChannelValues.write(ownShift, gradientViews.get(BatchNormalizationParamInitializer.BETA));
        double[] scaleGradient = joined(ownScale);
        double[] shiftGradient = joined(ownShift);

        // With x' the normalized input: scale / deviation * (error - mean(error) - x' * mean(error * x'))
        math.combine(
                inputError,
                ChannelValues.each(ChannelValues.product(scaleGradient, inverse), value -> -value / count),
                delta,
                ChannelValues.each(shiftGradient, value -> value / count),
                ChannelValues.product(inverse, values(BatchNormalizationParamInitializer.GAMMA)));

        batch.writeChanges(this, gradientViews);
        Gradient gradient = new DefaultGradient();
        gradientViews.forEach(gradient::setGradientFor);
        return new Pair<>(gradient, inputError);
    }

    private ChannelMath math(LayerWorkspaceMgr workspaces, ArrayType memory) {
        return new ChannelMath(channelAxis(), workspaces, memory);
    }

    /** How many values of the batch belong to a channel. */
    private double valuesOfChannel(INDArray from, ChannelMath math) {
        double own = (double) from.length() / from.size(math.axis());
        return joint == null ? own : own / joint.share(microBatch);
    }

    private double[] joined(double[] sum) {
        return joint == null ? sum : joint.join(microBatch, sum);
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

    private double[] inverseDeviation(double[] variance) {
        double epsilon = layerConf().getEps();
        return ChannelValues.each(variance, value -> 1 / Math.sqrt(value + epsilon));
    }

    private double[] values(String parameter) {
        return ChannelValues.of(getParam(parameter));
    }

    @Override
    public void clear() {
        super.clear();
        moments = null;
    }

    /** The moments of what a layer has been given, {@code [batch, channels]} or with height and width. */
    public static Moments momentsOfInput(BatchNormalization layer) {
        if (layer instanceof FastBatchNorm fast && fast.moments() != null) {
            return fast.moments();
        }
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            INDArray input = layer.input();
            int[] allButChannels = {0};
            if (input.rank() == 4) {
                boolean channelsFirst = layer.layerConf().getCnn2DFormat() == CNN2DFormat.NCHW;
                allButChannels = channelsFirst ? new int[] {0, 2, 3} : new int[] {0, 1, 2};
            }
            return new Moments(
                    ChannelValues.of(input.mean(allButChannels)), ChannelValues.of(input.var(false, allButChannels)));
        }
    }
}
