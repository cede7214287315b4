package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.nd4j.linalg.learning.config.Nesterovs;

/**
 * The first 16 layers of YOLOv2 (Redmon and Farhadi, CVPR 2017), {@code conv0} to {@code conv15}, with the mean over the
 * image and a softmax after them: a network whose memory is nearly all activations. Without batch normalization, and with
 * ReLU in place of leaky ReLU.
 */
final class Yolo {
    /** Output channels and kernel size of the convolutions; 0 for max pooling. */
    private static final int[][] LAYERS = {
        {32, 3}, {0}, {64, 3}, {0}, {128, 3}, {64, 1}, {128, 3}, {0}, {256, 3}, {128, 1}, {256, 3}, {0}, {512, 3},
        {256, 1}, {512, 3}, {256, 1}
    };

    static final ImageSize SMALL = new ImageSize(3, 416, 20);
    static final ImageSize LARGE = new ImageSize(3, 608, 20);

    private Yolo() {}

    static ComputationGraphConfiguration configuration(long seed, ImageSize size) {
        ImageGraph graph =
                new ImageGraph(new NeuralNetConfiguration.Builder().seed(seed).updater(new Nesterovs(1e-3, 0.9)), size);
        for (int i = 0; i < LAYERS.length; i++) {
            int channels = LAYERS[i][0];
            if (channels == 0) {
                graph.maxPool("pool" + i);
            } else if (LAYERS[i][1] == 3) {
                graph.conv3x3("conv" + i, channels);
            } else {
                graph.layer(
                        "conv" + i,
                        new ConvolutionLayer.Builder(1, 1).nOut(channels).build());
            }
        }
        return graph.layer("mean", new GlobalPoolingLayer(PoolingType.AVG)).classify();
    }
}
