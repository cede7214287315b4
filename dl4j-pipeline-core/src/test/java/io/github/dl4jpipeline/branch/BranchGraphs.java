package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.convolution;
import static io.github.dl4jpipeline.fixture.TestGraphs.dense;
import static io.github.dl4jpipeline.fixture.TestGraphs.settings;
import static io.github.dl4jpipeline.fixture.TestGraphs.softmax;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks that are split. */
final class BranchGraphs {
    private BranchGraphs() {}

    /** LeNet-5 with 61,706 parameters. */
    static ComputationGraphConfiguration leNet5() {
        return settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(28, 28, 1))
                .addLayer(
                        "conv1",
                        new ConvolutionLayer.Builder(5, 5).padding(2, 2).nOut(6).build(),
                        "image")
                .addLayer("pool1", pool(2, 2), "conv1")
                .addLayer("conv2", new ConvolutionLayer.Builder(5, 5).nOut(16).build(), "pool1")
                .addLayer("pool2", pool(2, 2), "conv2")
                .addLayer("dense1", dense(120), "pool2")
                .addLayer("dense2", dense(84), "dense1")
                .addLayer("output", softmax(10), "dense2")
                .setOutputs("output")
                .build();
    }

    /** ResNet-18 (He et al., CVPR 2016) for 1000 classes at 224x224. */
    static ComputationGraphConfiguration resNet18() {
        GraphBuilder graph = settings(DataType.FLOAT)
                .convolutionMode(ConvolutionMode.Same)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(224, 224, 3));
        String last = convolutionAndNorm(graph, "stem", "image", 7, 2, 64);
        graph.addLayer("pool", pool(3, 2), last);
        last = "pool";
        int[] channels = {64, 128, 256, 512};
        for (int group = 0; group < channels.length; group++) {
            for (int block = 0; block < 2; block++) {
                int stride = group > 0 && block == 0 ? 2 : 1;
                last = residualBlock(graph, "g" + group + "b" + block, last, stride, channels[group]);
            }
        }
        return graph.addLayer("average", new GlobalPoolingLayer(PoolingType.AVG), last)
                .addLayer("output", softmax(1000), "average")
                .setOutputs("output")
                .build();
    }

    private static String residualBlock(GraphBuilder graph, String name, String from, int stride, int channels) {
        String skip = stride == 1 ? from : convolutionAndNorm(graph, name + "skip", from, 1, stride, channels);
        String first = convolutionAndNorm(graph, name + "a", from, 3, stride, channels);
        graph.addLayer(name + "aRelu", new ActivationLayer(Activation.RELU), first);
        String second = convolutionAndNorm(graph, name + "b", name + "aRelu", 3, 1, channels);
        graph.addVertex(name + "add", new ElementWiseVertex(ElementWiseVertex.Op.Add), second, skip)
                .addLayer(name + "relu", new ActivationLayer(Activation.RELU), name + "add");
        return name + "relu";
    }

    private static String convolutionAndNorm(
            GraphBuilder graph, String name, String from, int kernel, int stride, int channels) {
        graph.addLayer(
                        name + "Conv",
                        new ConvolutionLayer.Builder(kernel, kernel)
                                .stride(stride, stride)
                                .nOut(channels)
                                .hasBias(false)
                                .activation(Activation.IDENTITY)
                                .build(),
                        from)
                .addLayer(name + "Norm", new BatchNormalization(), name + "Conv");
        return name + "Norm";
    }

    /** AlexNet's kinds of layers on 3x12x12 images, 6 classes, as a chain of layers. */
    static MultiLayerConfiguration alexNet() {
        return settings(DataType.DOUBLE)
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(3, 3)
                        .name("conv1")
                        .padding(1, 1)
                        .nOut(8)
                        .build())
                .layer(new LocalResponseNormalization.Builder().name("lrn").build())
                .layer(pool(2, 2))
                .layer(convolution(12))
                .layer(new DenseLayer.Builder()
                        .name("dense1")
                        .nOut(16)
                        .dropOut(0.5)
                        .build())
                .layer(dense(12))
                .layer(softmax(6))
                .setInputType(InputType.convolutional(12, 12, 3))
                .build();
    }

    /** Darknet's kinds of layers on 3x8x8 images, 5 classes: it ends in a convolution, pooling, softmax and a loss. */
    static ComputationGraphConfiguration darknet() {
        return settings(DataType.DOUBLE)
                .activation(Activation.IDENTITY)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 3))
                .addLayer("conv1", convolution(8), "image")
                .addLayer("norm1", new BatchNormalization(), "conv1")
                .addLayer("leaky1", new ActivationLayer(Activation.LEAKYRELU), "norm1")
                .addLayer("pool1", pool(2, 2), "leaky1")
                .addLayer("conv2", new ConvolutionLayer.Builder(1, 1).nOut(5).build(), "pool1")
                .addLayer("average", new GlobalPoolingLayer(PoolingType.AVG), "conv2")
                .addLayer("softmax", new ActivationLayer(Activation.SOFTMAX), "average")
                .addLayer("loss", new LossLayer.Builder(LossFunction.NEGATIVELOGLIKELIHOOD).build(), "softmax")
                .setOutputs("loss")
                .build();
    }

    /** An image and 3 values, merged before the last hidden layer; 4 classes. */
    static ComputationGraphConfiguration twoInputs() {
        return settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image", "values")
                .setInputTypes(InputType.convolutional(6, 6, 1), InputType.feedForward(3))
                .addLayer("conv", convolution(4), "image")
                .addLayer("fromImage", dense(8), "conv")
                .addLayer("fromValues", dense(6), "values")
                .addVertex("merge", new MergeVertex(), "fromImage", "fromValues")
                .addLayer("hidden", dense(8), "merge")
                .addLayer("output", softmax(4), "hidden")
                .setOutputs("output")
                .build();
    }

    static SubsamplingLayer pool(int kernel, int stride) {
        return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                .kernelSize(kernel, kernel)
                .stride(stride, stride)
                .build();
    }
}
