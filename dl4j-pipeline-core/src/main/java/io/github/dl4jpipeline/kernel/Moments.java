package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
            INDArray input = layer.input();
            int[] allButChannels = {0};
            if (input.rank() == 4) {
                boolean channelsFirst = layer.layerConf().getCnn2DFormat() == CNN2DFormat.NCHW;
                allButChannels = channelsFirst ? new int[] {0, 2, 3} : new int[] {0, 1, 2};
            }
            return new Moments(input.mean(allButChannels), input.var(false, allButChannels));
        }
    }
}
