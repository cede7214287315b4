package io.github.dl4jpipeline.kernel;

import java.util.Map;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Mean and variance of each channel over some examples.
 *
 * @param mean {@code [channels]}
 * @param variance {@code [channels]}, of the population
 */
public record Moments(INDArray mean, INDArray variance) {

    /** The moments of what a layer has been given, {@code [batch, channels]} or with height and width. */
    static Moments ofInput(BatchNormalization layer) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            if (layer instanceof FastBatchNorm fast && fast.moments() != null) {
                return new Moments(
                        fast.moments().mean().dup(), fast.moments().variance().dup());
            }
            INDArray input = layer.input();
            int[] allButChannels = {0};
            if (input.rank() == 4) {
                boolean channelsFirst = layer.layerConf().getCnn2DFormat() == CNN2DFormat.NCHW;
                allButChannels = channelsFirst ? new int[] {0, 2, 3} : new int[] {0, 1, 2};
            }
            return new Moments(input.mean(allButChannels), input.var(false, allButChannels));
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
        double keep = layer.layerConf().getDecay();
        INDArray running = layer.getParam(BatchNormalizationParamInitializer.GLOBAL_MEAN);
        assign(
                gradients.get(BatchNormalizationParamInitializer.GLOBAL_MEAN),
                flat(running).sub(mean).muli(1 - keep));
        if (layer.layerConf().isUseLogStd()) {
            INDArray log10Std = flat(layer.getParam(BatchNormalizationParamInitializer.GLOBAL_LOG_STD));
            INDArray before = Transforms.exp(log10Std.mul(2 * Math.log(10)), false);
            INDArray after = before.mul(keep).addi(variance.mul(1 - keep));
            assign(
                    gradients.get(BatchNormalizationParamInitializer.GLOBAL_LOG_STD),
                    Transforms.log(before.div(after), false).divi(2 * Math.log(10)));
        } else {
            INDArray before = flat(layer.getParam(BatchNormalizationParamInitializer.GLOBAL_VAR));
            assign(
                    gradients.get(BatchNormalizationParamInitializer.GLOBAL_VAR),
                    before.sub(variance).muli(1 - keep));
        }
    }

    private static INDArray flat(INDArray array) {
        return array.reshape(array.length());
    }

    private static void assign(INDArray view, INDArray values) {
        view.assign(values.reshape(view.shape()));
    }
}
