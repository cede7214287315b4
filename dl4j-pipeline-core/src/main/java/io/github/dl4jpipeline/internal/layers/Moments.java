package io.github.dl4jpipeline.internal.layers;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Mean and variance of each channel over some examples. */
public final class Moments {
    private final double[] mean;
    private final double[] variance;

    /**
     * @param mean by channel
     * @param variance by channel, of the population
     */
    public Moments(double[] mean, double[] variance) {
        this.mean = mean;
        this.variance = variance;
    }

    /** By channel, not a copy. */
    public double[] mean() {
        return mean;
    }

    /** By channel, not a copy, of the population. */
    public double[] variance() {
        return variance;
    }

    /**
     * Writes by how much a training step on these examples changes the running statistics. Deeplearning4j passes these
     * changes along with the gradients, and subtracts them from its parameters.
     *
     * @param layer holds the parameters
     * @param gradients arrays to write to, by parameter
     */
    public void writeChanges(BatchNormalization layer, Map<String, INDArray> gradients) {
        double change = 1 - layer.layerConf().getDecay();
        double[] means = ChannelValues.of(layer.getParam(BatchNormalizationParamInitializer.GLOBAL_MEAN));
        for (int i = 0; i < means.length; i++) {
            means[i] = change * (means[i] - mean[i]);
        }
        ChannelValues.write(means, gradients.get(BatchNormalizationParamInitializer.GLOBAL_MEAN));
        boolean isLog = layer.layerConf().isUseLogStd();
        String parameter = isLog
                ? BatchNormalizationParamInitializer.GLOBAL_LOG_STD
                : BatchNormalizationParamInitializer.GLOBAL_VAR;
        double[] spreads = ChannelValues.of(layer.getParam(parameter));
        for (int i = 0; i < spreads.length; i++) {
            if (isLog) {
                double before = Math.pow(10, 2 * spreads[i]);
                spreads[i] = Math.log10(before / (before + change * (variance[i] - before))) / 2;
            } else {
                spreads[i] = change * (spreads[i] - variance[i]);
            }
        }
        ChannelValues.write(spreads, gradients.get(parameter));
    }

    /** Makes the changes that {@link #writeChanges} writes 0. */
    public static void clearChanges(Map<String, INDArray> gradients) {
        for (String parameter : List.of(
                BatchNormalizationParamInitializer.GLOBAL_MEAN,
                BatchNormalizationParamInitializer.GLOBAL_VAR,
                BatchNormalizationParamInitializer.GLOBAL_LOG_STD)) {
            INDArray change = gradients.get(parameter);
            if (change != null) {
                change.assign(0);
            }
        }
    }
}
