package io.github.dl4jpipeline.kernel;

import java.util.Map;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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

    /** The moments of what a layer has been given, {@code [batch, channels]} or with height and width. */
    static Moments ofInput(BatchNormalization layer) {
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
}
