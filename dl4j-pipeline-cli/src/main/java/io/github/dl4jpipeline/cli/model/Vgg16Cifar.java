package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.nd4j.linalg.learning.config.Adam;

/** VGG16 (Simonyan and Zisserman, ICLR 2015, configuration D) at 32x32, with dropout in its dense layers. */
final class Vgg16Cifar {
    /** Channels of the convolutions in each block; a block ends in a pooling layer. */
    private static final int[][] BLOCKS = {{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}};

    private static final int DENSE = 4096;

    private Vgg16Cifar() {}

    static ComputationGraphConfiguration configuration(long seed) {
        ImageGraph graph = new ImageGraph(seed, new Adam(1e-4));
        for (int block = 0; block < BLOCKS.length; block++) {
            for (int i = 0; i < BLOCKS[block].length; i++) {
                graph.conv3x3("conv" + (block + 1) + "-" + (i + 1), BLOCKS[block][i]);
            }
            graph.maxPool("pool" + (block + 1));
        }
        return graph.layer("dense1", dense()).layer("dense2", dense()).classify();
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(DENSE).dropOut(0.5).build();
    }
}
