package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.nd4j.linalg.activations.Activation;

/** The parts of residual networks (He et al., CVPR 2016). */
record ResidualBlocks(ImageGraph graph) {

    /** Two convolutions 3x3 and a skip around them, which is a convolution 1x1 if the block halves height and width. */
    void block(String name, int channels, boolean halves) {
        String skip = graph.last();
        int stride = halves ? 2 : 1;
        if (halves) {
            convolution(name + "-skip", 1, stride, channels);
            String projected = graph.last();
            graph.from(skip);
            skip = projected;
        }
        convolution(name + "-a", 3, stride, channels);
        relu(name + "-a");
        convolution(name + "-b", 3, 1, channels);
        graph.add(name + "-add", skip);
        relu(name);
    }

    /** A convolution without bias or activation, and batch normalization. */
    void convolution(String name, int kernel, int stride, int channels) {
        graph.layer(
                        name + "-conv",
                        new ConvolutionLayer.Builder(kernel, kernel)
                                .stride(stride, stride)
                                .padding(kernel / 2, kernel / 2)
                                .nOut(channels)
                                .hasBias(false)
                                .activation(Activation.IDENTITY)
                                .build())
                .layer(
                        name + "-norm",
                        new BatchNormalization.Builder()
                                .activation(Activation.IDENTITY)
                                .build());
    }

    void relu(String name) {
        graph.layer(name + "-relu", new ActivationLayer(Activation.RELU));
    }
}
