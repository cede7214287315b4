package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.nd4j.linalg.learning.config.Nesterovs;

/**
 * The residual network with 18 layers for images of 3x224x224 and 1000 classes (He et al., CVPR 2016): 11.69 million
 * trained parameters.
 */
final class ResNet18 {
    private static final int BLOCKS = 2;
    private static final int[] CHANNELS = {64, 128, 256, 512};

    private ResNet18() {}

    static ComputationGraphConfiguration configuration(long seed) {
        ImageGraph graph = new ImageGraph(
                new NeuralNetConfiguration.Builder()
                        .seed(seed)
                        .updater(new Nesterovs(0.1, 0.9))
                        .l2(1e-4),
                ImageSize.IMAGENET);
        ResidualBlocks blocks = new ResidualBlocks(graph);
        blocks.convolution("stem", 7, 2, CHANNELS[0]);
        blocks.relu("stem");
        graph.layer(
                "stem-pool",
                new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                        .kernelSize(3, 3)
                        .stride(2, 2)
                        .padding(1, 1)
                        .build());
        for (int group = 0; group < CHANNELS.length; group++) {
            for (int block = 0; block < BLOCKS; block++) {
                boolean halves = group > 0 && block == 0;
                blocks.block("group" + (group + 1) + "-block" + (block + 1), CHANNELS[group], halves);
            }
        }
        return graph.layer("pool", new GlobalPoolingLayer(PoolingType.AVG)).classify();
    }
}
