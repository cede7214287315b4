package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.nd4j.linalg.learning.config.Nesterovs;

/** AlexNet (Krizhevsky et al., NeurIPS 2012) at the size of CIFAR-10: 14,859,082 parameters. */
final class AlexNetCifar {
    /** With 0.005 some runs diverge in their second epoch. */
    private static final double RATE = 0.002;

    private AlexNetCifar() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return new ImageGraph(seed, new Nesterovs(RATE, 0.9))
                .conv3x3("conv1", 64)
                .maxPool("pool1")
                .conv3x3("conv2", 192)
                .maxPool("pool2")
                .conv3x3("conv3", 384)
                .conv3x3("conv4", 256)
                .conv3x3("conv5", 256)
                .maxPool("pool3")
                .dense("dense1", 2048)
                .dense("dense2", 2048)
                .classify();
    }
}
