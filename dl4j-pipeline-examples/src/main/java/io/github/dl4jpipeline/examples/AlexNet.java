package io.github.dl4jpipeline.examples;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Nesterovs;

/** AlexNet (Krizhevsky et al., NeurIPS 2012) at the size of CIFAR-10: 14,859,082 parameters. */
final class AlexNet {
    private AlexNet() {}

    static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(42)
                .updater(new Nesterovs(0.01, 0.9))
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .list()
                .layer(convolution(64))
                .layer(pooling())
                .layer(convolution(192))
                .layer(pooling())
                .layer(convolution(384))
                .layer(convolution(256))
                .layer(convolution(256))
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(2048).build())
                .layer(new DenseLayer.Builder().nOut(2048).build())
                .layer(new OutputLayer.Builder().nOut(10).build())
                .setInputType(InputType.convolutional(32, 32, 3))
                .build();
    }

    private static ConvolutionLayer convolution(int channels) {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build();
    }

    private static SubsamplingLayer pooling() {
        return new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build();
    }
}
