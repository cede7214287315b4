package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ChannelValues;
import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.Moments;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.Arrays;
import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Batch normalization of maps with learned scale and shift. Keeps the moments of the batch and its input.
 *
 * <p>Forward and backward pass are those of Ioffe and Szegedy, "Batch normalization", ICML 2015, with sums that
 * {@link ChannelLoops} takes: oneDNN's own are of floats, and lose more to rounding.
 */
final class EngineBatchNorm extends EngineLayer {
    private final BatchNormalization layer;

    private @Nullable JointSums joint;
    private int microBatch;

    private @Nullable Layout layout;
    private @Nullable ChannelLoops loops;
    private @Nullable INDArray input;
    private @Nullable Moments moments;
    private double[] scaleGradient = {};
    private double[] shiftGradient = {};

    EngineBatchNorm(BatchNormalization layer) {
        this.layer = layer;
    }

    @Override
    public void join(JointSums sums, int number) {
        joint = sums;
        microBatch = number;
    }

    @Override
    public @Nullable Moments moments() {
        return moments;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value maps = inputs[0];
        long[] shape = maps.shape();
        if (shape.length != 4
                || shape[1] != layer.layerConf().getNOut()
                || maps.values().dataType() != DataType.FLOAT) {
            return null;
        }
        Layout given = maps.layout() == null ? Layout.rowMajor(shape) : maps.layout();
        ChannelLoops known = ChannelLoops.of(given);
        layout = known == null ? Layout.rowMajor(shape) : given;
        ChannelLoops over = known == null ? ChannelLoops.of(layout) : known;
        INDArray from = activation(maps, layout, space);
        INDArray output = space.activation(layout.floats());
        double[] mean;
        double[] variance;
        if (training) {
            moments = momentsOf(from, over);
            mean = moments.mean();
            variance = moments.variance();
            input = from;
            loops = over;
        } else {
            mean = values(BatchNormalizationParamInitializer.GLOBAL_MEAN);
            variance = runningVariance();
        }
        double[] scale =
                ChannelValues.product(inverseDeviation(variance), values(BatchNormalizationParamInitializer.GAMMA));
        over.scale(from, mean, scale, values(BatchNormalizationParamInitializer.BETA), output);
        return new Value(output, layout);
    }

    /** Of all micro-batches, which each bring sums of their values and of their squares. */
    private Moments momentsOf(INDArray maps, ChannelLoops over) {
        double own = over.valuesOfChannel();
        double[] mean = ChannelValues.each(over.sum(maps), sum -> sum / own);
        double[] distances = over.squares(maps, mean);
        if (joint == null) {
            return new Moments(mean, ChannelValues.each(distances, sum -> sum / own));
        }
        int channels = mean.length;
        double[] sums = new double[2 * channels];
        for (int i = 0; i < channels; i++) {
            sums[i] = own * mean[i];
            sums[channels + i] = distances[i] + own * mean[i] * mean[i];
        }
        double count = count(over);
        double[] means = ChannelValues.each(joint.join(microBatch, sums), sum -> sum / count);
        double[] variance = new double[channels];
        for (int i = 0; i < channels; i++) {
            variance[i] = Math.max(0, means[channels + i] - means[i] * means[i]);
        }
        return new Moments(Arrays.copyOf(means, channels), variance);
    }

    private double[] runningVariance() {
        return layer.layerConf().isUseLogStd()
                ? ChannelValues.each(
                        values(BatchNormalizationParamInitializer.GLOBAL_LOG_STD), log -> Math.pow(10, 2 * log))
                : values(BatchNormalizationParamInitializer.GLOBAL_VAR);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Moments batch = moments;
        ChannelLoops over = loops;
        if (batch == null || over == null) {
            throw new IllegalStateException("Backward pass without a forward pass in training before it");
        }
        INDArray delta = error(error, layout, space);
        double count = count(over);
        double[] inverse = inverseDeviation(batch.variance());
        ChannelLoops.Sums sums = over.products(input, batch.mean(), delta);
        scaleGradient = ChannelValues.product(sums.products(), inverse);
        shiftGradient = sums.others();
        int channels = scaleGradient.length;
        double[] both = Arrays.copyOf(scaleGradient, 2 * channels);
        System.arraycopy(shiftGradient, 0, both, channels, channels);
        double[] means =
                ChannelValues.each(joint == null ? both : joint.join(microBatch, both), value -> value / count);
        if (!wanted[0]) {
            return new Value[1];
        }
        double[] ofScale = Arrays.copyOf(means, channels);
        double[] ofShift = Arrays.copyOfRange(means, channels, 2 * channels);
        // With x' the normalized input: scale / deviation * (error - mean(error) - x' * mean(error * x'))
        over.combine(
                input,
                batch.mean(),
                ChannelValues.each(ChannelValues.product(ofScale, inverse), value -> -value),
                delta,
                ofShift,
                ChannelValues.product(inverse, values(BatchNormalizationParamInitializer.GAMMA)));
        return new Value[] {new Value(delta, layout)};
    }

    @Override
    public boolean hasGradient() {
        return true;
    }

    /** The running statistics change with the gradients, as Deeplearning4j has it. */
    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        Moments batch = moments;
        if (batch == null || add) {
            throw new IllegalStateException(add ? "Running statistics cannot be added up" : "No forward pass");
        }
        ChannelValues.write(scaleGradient, views.get(BatchNormalizationParamInitializer.GAMMA));
        ChannelValues.write(shiftGradient, views.get(BatchNormalizationParamInitializer.BETA));
        batch.writeChanges(layer, views);
        Gradient gradient = new DefaultGradient();
        views.forEach(gradient::setGradientFor);
        return gradient;
    }

    /** How many values of the batch belong to a channel. */
    private double count(ChannelLoops over) {
        double own = over.valuesOfChannel();
        return joint == null ? own : own / joint.share(microBatch);
    }

    private double[] inverseDeviation(double[] variance) {
        double epsilon = layer.layerConf().getEps();
        return ChannelValues.each(variance, value -> 1 / Math.sqrt(value + epsilon));
    }

    private double[] values(String parameter) {
        return ChannelValues.of(layer.getParam(parameter));
    }

    @Override
    public void clear() {
        layout = null;
        loops = null;
        input = null;
        moments = null;
    }
}
