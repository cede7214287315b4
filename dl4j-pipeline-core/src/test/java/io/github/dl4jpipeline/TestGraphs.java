package io.github.dl4jpipeline;

import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The networks that tests train. */
public final class TestGraphs {
    private TestGraphs() {}

    /** Settings that all test networks start from. */
    public static NeuralNetConfiguration.Builder settings(DataType type) {
        return new NeuralNetConfiguration.Builder()
                .seed(12345)
                .dataType(type)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.TANH)
                .updater(new Nesterovs(0.05, 0.9));
    }

    public static ComputationGraph graph(ComputationGraphConfiguration configuration) {
        ComputationGraph graph = new ComputationGraph(configuration);
        graph.init();
        return graph;
    }

    /** The AlexNet for CIFAR-10 of the workloads: 14,859,082 parameters. */
    public static ComputationGraphConfiguration alexNetCifar(DataType type) {
        return alexNetCifar(type, 1);
    }

    /** The same with so many times fewer channels and dense units, which takes less time in tests that count none. */
    public static ComputationGraphConfiguration alexNetCifar(DataType type, int narrower) {
        NeuralNetConfiguration.Builder settings = new NeuralNetConfiguration.Builder()
                .seed(42)
                .dataType(type)
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .updater(new Nesterovs(0.01, 0.9));
        return settings.graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(32, 32, 3))
                .addLayer("conv1", convolution(64 / narrower), "image")
                .addLayer("pool1", maxPool(), "conv1")
                .addLayer("conv2", convolution(192 / narrower), "pool1")
                .addLayer("pool2", maxPool(), "conv2")
                .addLayer("conv3", convolution(384 / narrower), "pool2")
                .addLayer("conv4", convolution(256 / narrower), "conv3")
                .addLayer("conv5", convolution(256 / narrower), "conv4")
                .addLayer("pool5", maxPool(), "conv5")
                .addLayer("dense1", dense(2048 / narrower), "pool5")
                .addLayer("dense2", dense(2048 / narrower), "dense1")
                .addLayer("output", softmax(10), "dense2")
                .setOutputs("output")
                .build();
    }

    /** VGG16's convolutions (configuration D) on 3x32x32 images, and a softmax over 10 classes: vertices "1" to "18". */
    public static ComputationGraphConfiguration vgg16(DataType type) {
        return vgg16(type, 1);
    }

    /** The same with so many times fewer channels, which takes less time in tests that count none. */
    public static ComputationGraphConfiguration vgg16(DataType type, int narrower) {
        int[] channels = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0};
        GraphBuilder builder = settings(type)
                .activation(Activation.RELU)
                .weightInit(WeightInit.RELU)
                .updater(new Nesterovs(0.001, 0.9))
                .graphBuilder()
                .addInputs("0")
                .setInputTypes(InputType.convolutional(32, 32, 3));
        for (int i = 0; i < channels.length; i++) {
            builder.addLayer("" + (i + 1), channels[i] == 0 ? maxPool() : convolution(channels[i] / narrower), "" + i);
        }
        return builder.addLayer("output", softmax(10), "18")
                .setOutputs("output")
                .build();
    }

    /** LeNet on 1x14x14 images, 4 classes. */
    public static ComputationGraphConfiguration leNet(
            DataType type, UnaryOperator<NeuralNetConfiguration.Builder> changes) {
        return changes.apply(settings(type))
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(14, 14, 1))
                .addLayer("conv1", new ConvolutionLayer.Builder(5, 5).nOut(4).build(), "image")
                .addLayer("pool1", maxPool(), "conv1")
                .addLayer("conv2", new ConvolutionLayer.Builder(3, 3).nOut(6).build(), "pool1")
                .addLayer(
                        "pool2",
                        new SubsamplingLayer.Builder(PoolingType.AVG)
                                .kernelSize(2, 2)
                                .stride(1, 1)
                                .build(),
                        "conv2")
                .addLayer("dense", dense(12), "pool2")
                .addLayer("output", softmax(4), "dense")
                .setOutputs("output")
                .build();
    }

    public static ComputationGraphConfiguration leNet(DataType type) {
        return leNet(type, settings -> settings);
    }

    /** On 2x6x6 images, 4 classes; nothing is trained before the first convolutions. */
    public static ComputationGraphConfiguration untrainedStart(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(6, 6, 2))
                .addLayer("pool", maxPool(), "image")
                .addLayer("tanh", new ActivationLayer(Activation.TANH), "pool")
                .addLayer("left", convolution(3), "tanh")
                .addLayer("right", convolution(3), "tanh")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "left", "right")
                .addLayer("middle", convolution(2), "sum")
                .addLayer("output", softmax(4), "middle")
                .setOutputs("output")
                .build();
    }

    /**
     * In the style of YOLOv2: 3x3 convolutions with leaky ReLU, 1x1 ones between them, pooling; narrow, 4 classes. Vertices
     * "0" to "9".
     *
     * @param size rows and columns of the images
     */
    public static ComputationGraphConfiguration yolo(DataType type, int size) {
        int[][] layers = {{4, 3}, {0, 0}, {6, 3}, {0, 0}, {8, 3}, {4, 1}, {8, 3}, {6, 3}, {4, 1}, {6, 3}};
        GraphBuilder builder = settings(type)
                .activation(Activation.LEAKYRELU)
                .convolutionMode(ConvolutionMode.Same)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(size, size, 3));
        for (int i = 0; i < layers.length; i++) {
            int kernel = layers[i][1];
            org.deeplearning4j.nn.conf.layers.Layer layer = kernel == 0
                    ? maxPool()
                    : new ConvolutionLayer.Builder(kernel, kernel)
                            .nOut(layers[i][0])
                            .build();
            builder.addLayer("" + i, layer, i == 0 ? "image" : "" + (i - 1));
        }
        return builder.addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "9")
                .addLayer("output", softmax(4), "pool")
                .setOutputs("output")
                .build();
    }

    /** Residual blocks on 3x8x8 images; one skip reaches over most of the network, and so over any two cuts. */
    public static ComputationGraphConfiguration residual(DataType type, boolean batchNorm) {
        GraphBuilder builder = settings(type)
                .convolutionMode(ConvolutionMode.Same)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 3))
                .addLayer("stem", convolution(4), "image");
        String last = "stem";
        for (String block : new String[] {"a", "b"}) {
            builder.addLayer(block + "1", convolution(4), last);
            String inner = block + "1";
            if (batchNorm) {
                builder.addLayer(block + "Norm", new BatchNormalization(), inner);
                inner = block + "Norm";
            }
            builder.addLayer(block + "2", convolution(4), inner)
                    .addVertex(block + "Add", new ElementWiseVertex(ElementWiseVertex.Op.Add), block + "2", last)
                    .addLayer(
                            block + "Relu",
                            new ActivationLayer.Builder()
                                    .activation(Activation.RELU)
                                    .build(),
                            block + "Add");
            last = block + "Relu";
        }
        return builder.addVertex("scaled", new ScaleVertex(0.5), "stem")
                .addVertex("merge", new MergeVertex(), last, "scaled")
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "merge")
                .addLayer("output", softmax(4), "pool")
                .setOutputs("output")
                .build();
    }

    /**
     * 39 layers on 3x12x12 images, 4 classes: residual blocks of three convolutions, each with batch normalization, in which
     * roundings grow from layer to layer. No activation has an edge, where a rounding would decide what is passed back.
     */
    public static ComputationGraphConfiguration deep(DataType type) {
        GraphBuilder builder = settings(type)
                .convolutionMode(ConvolutionMode.Same)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(12, 12, 3))
                .addLayer("stem", convolution(8), "image");
        String last = "stem";
        for (int block = 1; block <= 6; block++) {
            String inner = last;
            for (int layer = 1; layer <= 3; layer++) {
                String name = block + "-" + layer;
                int kernel = layer == 2 ? 3 : 1;
                builder.addLayer(
                                name + "-conv",
                                new ConvolutionLayer.Builder(kernel, kernel)
                                        .nOut(8)
                                        .build(),
                                inner)
                        .addLayer(name + "-norm", new BatchNormalization(), name + "-conv");
                inner = name + "-norm";
            }
            builder.addVertex(block + "-add", new ElementWiseVertex(ElementWiseVertex.Op.Add), inner, last);
            last = block + "-add";
        }
        return builder.addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), last)
                .addLayer("output", softmax(4), "pool")
                .setOutputs("output")
                .build();
    }

    /** Two inputs of 5 and 3 values, two outputs: 3 classes, and 2 regression targets whose layers branch off early. */
    public static ComputationGraphConfiguration twoInputsTwoOutputs(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("left", "right")
                .addLayer("leftDense", dense(5, 6), "left")
                .addLayer("rightDense", dense(3, 4), "right")
                .addVertex("both", new MergeVertex(), "leftDense", "rightDense")
                .addVertex("part", new SubsetVertex(2, 7), "both")
                .addLayer("shared", dense(10, 8), "both")
                .addLayer("deep", dense(8, 8), "shared")
                .addLayer("classes", softmax(8, 3), "deep")
                .addLayer("branch", dense(6, 4), "part")
                .addLayer(
                        "values",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nIn(4)
                                .nOut(2)
                                .build(),
                        "branch")
                .setOutputs("classes", "values")
                .build();
    }

    /** Two LSTM layers over 4 values a step, 3 classes a step. */
    public static ComputationGraphConfiguration lstm(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, 6))
                .addLayer("lstm1", new LSTM.Builder().nIn(4).nOut(6).build(), "steps")
                .addLayer("lstm2", new LSTM.Builder().nIn(6).nOut(5).build(), "lstm1")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nIn(5)
                                .nOut(3)
                                .build(),
                        "lstm2")
                .setOutputs("output")
                .build();
    }

    /** A bidirectional LSTM and the last step of each sequence, which vertices find through the graph's masks. */
    public static ComputationGraphConfiguration lastStep(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, 6))
                .addLayer(
                        "both",
                        new Bidirectional(
                                Bidirectional.Mode.ADD,
                                new LSTM.Builder().nIn(4).nOut(5).build()),
                        "steps")
                .addLayer("lstm", new LSTM.Builder().nIn(5).nOut(5).build(), "both")
                .addVertex("last", new LastTimeStepVertex("steps"), "lstm")
                .addLayer("dense", dense(5, 6), "last")
                .addLayer("output", softmax(6, 3), "dense")
                .setOutputs("output")
                .build();
    }

    /** An embedding of 7 words, which has no error for its input. */
    public static ComputationGraphConfiguration embedding(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("word")
                .addLayer(
                        "embedding", new EmbeddingLayer.Builder().nIn(7).nOut(5).build(), "word")
                .addLayer("dense", dense(5, 6), "embedding")
                .addLayer("output", softmax(6, 3), "dense")
                .setOutputs("output")
                .build();
    }

    /** Local response normalisation, and a loss layer without parameters. */
    public static ComputationGraphConfiguration lossLayer(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(6, 6, 2))
                .addLayer("conv", convolution(6), "image")
                .addLayer("lrn", new LocalResponseNormalization.Builder().build(), "conv")
                .addLayer("dense", dense(4), "lrn")
                .addLayer(
                        "output",
                        new LossLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("output")
                .build();
    }

    /** On 6 values, 3 classes; a loss layer, which works on its input in place, and a dense layer read the same ReLU. */
    public static ComputationGraphConfiguration sharedLoss(DataType type) {
        return settings(type)
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "shared",
                        new DenseLayer.Builder()
                                .nIn(6)
                                .nOut(3)
                                .activation(Activation.RELU)
                                .build(),
                        "in")
                .addLayer(
                        "loss",
                        new LossLayer.Builder(LossFunction.XENT)
                                .activation(Activation.SIGMOID)
                                .build(),
                        "shared")
                .addLayer("dense", dense(3, 5), "shared")
                .addLayer("output", softmax(5, 3), "dense")
                .setOutputs("loss", "output")
                .build();
    }

    /** Four dense layers over 6 values, 3 classes. */
    public static ComputationGraphConfiguration dense(
            DataType type, UnaryOperator<NeuralNetConfiguration.Builder> changes) {
        return changes.apply(settings(type))
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense1", dense(6, 8), "values")
                .addLayer("dense2", dense(8, 7), "dense1")
                .addLayer("dense3", dense(7, 6), "dense2")
                .addLayer("output", softmax(6, 3), "dense3")
                .setOutputs("output")
                .build();
    }

    public static ConvolutionLayer convolution(int channels) {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build();
    }

    public static SubsamplingLayer maxPool() {
        return new SubsamplingLayer.Builder(PoolingType.MAX)
                .kernelSize(2, 2)
                .stride(2, 2)
                .build();
    }

    public static DenseLayer dense(int in, int out) {
        return new DenseLayer.Builder().nIn(in).nOut(out).build();
    }

    public static DenseLayer dense(int out) {
        return new DenseLayer.Builder().nOut(out).build();
    }

    public static OutputLayer softmax(int in, int classes) {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nIn(in)
                .nOut(classes)
                .build();
    }

    public static OutputLayer softmax(int classes) {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(classes)
                .build();
    }
}
