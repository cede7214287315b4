package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.nd4j.linalg.learning.config.Nesterovs;

/**
 * The residual network with 20 layers for CIFAR-10 (He et al., CVPR 2016): three groups of three blocks with 16, 32 and 64
 * channels. Where a group halves height and width, its skip is a convolution 1x1.
 */
final class ResNetCifar {
    private static final int BLOCKS = 3;
    private static final int[] CHANNELS = {16, 32, 64};

    private ResNetCifar() {}

    static ComputationGraphConfiguration configuration(long seed) {
        ImageGraph graph = new ImageGraph(new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Nesterovs(0.05, 0.9))
                .l2(1e-4));
        ResidualBlocks blocks = new ResidualBlocks(graph);
        blocks.convolution("stem", 3, 1, CHANNELS[0]);
        blocks.relu("stem");
        for (int group = 0; group < CHANNELS.length; group++) {
            for (int block = 0; block < BLOCKS; block++) {
                boolean halves = group > 0 && block == 0;
                blocks.block("group" + (group + 1) + "-block" + (block + 1), CHANNELS[group], halves);
            }
        }
        return graph.layer("pool", new GlobalPoolingLayer(PoolingType.AVG)).classify();
    }
}
