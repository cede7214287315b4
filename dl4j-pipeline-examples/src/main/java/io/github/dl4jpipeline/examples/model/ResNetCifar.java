package io.github.dl4jpipeline.examples.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Nesterovs;

/**
 * The residual network with 20 layers for CIFAR-10 (He et al., CVPR 2016): three groups of three blocks with 16, 32 and 64
 * channels. Where a group halves height and width, its skip is a convolution 1x1.
 */
final class ResNetCifar {
    private static final int BLOCKS = 3;
    private static final int[] CHANNELS = {16, 32, 64};

    private final ImageGraph graph;

    private ResNetCifar(long seed) {
        graph = new ImageGraph(new NeuralNetConfiguration.Builder()
                .seed(seed)
                .updater(new Nesterovs(0.05, 0.9))
                .l2(1e-4));
    }

    static ComputationGraphConfiguration configuration(long seed) {
        return new ResNetCifar(seed).build();
    }

    private ComputationGraphConfiguration build() {
        convolution("stem", 3, 1, CHANNELS[0]);
        relu("stem");
        for (int group = 0; group < CHANNELS.length; group++) {
            for (int block = 0; block < BLOCKS; block++) {
                boolean halves = group > 0 && block == 0;
                block("group" + (group + 1) + "-block" + (block + 1), CHANNELS[group], halves);
            }
        }
        return graph.layer("pool", new GlobalPoolingLayer(PoolingType.AVG)).classify();
    }

    private void block(String name, int channels, boolean halves) {
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
    private void convolution(String name, int kernel, int stride, int channels) {
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

    private void relu(String name) {
        graph.layer(name + "-relu", new ActivationLayer(Activation.RELU));
    }
}
