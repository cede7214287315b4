package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.nd4j.linalg.learning.config.Adam;

/** A network of LeNet's shape (LeCun et al., Proceedings of the IEEE 1998) for colour images: small and quick. */
final class LeNet {
    private LeNet() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return new ImageGraph(seed, new Adam(1e-3))
                .layer("conv1", new ConvolutionLayer.Builder(5, 5).nOut(20).build())
                .maxPool("pool1")
                .layer("conv2", new ConvolutionLayer.Builder(5, 5).nOut(50).build())
                .maxPool("pool2")
                .dense("dense1", 500)
                .classify();
    }
}
