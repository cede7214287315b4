package io.github.dl4jpipeline.internal.cluster;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks of several kinds, in double, with batches for them. */
public enum Networks {
    CONVOLUTIONS {
        @Override
        ComputationGraphConfiguration configuration() {
            return base().addInputs("in")
                    .setInputTypes(InputType.convolutional(8, 8, 2))
                    .addLayer("conv1", convolution(), "in")
                    .addLayer(
                            "pool1",
                            new SubsamplingLayer.Builder(2, 2).stride(2, 2).build(),
                            "conv1")
                    .addLayer("conv2", convolution(), "pool1")
                    .addLayer(
                            "dense",
                            new DenseLayer.Builder()
                                    .nOut(12)
                                    .activation(Activation.TANH)
                                    .build(),
                            "conv2")
                    .addLayer("out", output(3), "dense")
                    .setOutputs("out")
                    .build();
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return new MultiDataSet(random(seed, examples, 2, 8, 8), classes(examples, 3));
        }
    },
    BATCH_NORM {
        @Override
        ComputationGraphConfiguration configuration() {
            return base().addInputs("in")
                    .setInputTypes(InputType.convolutional(8, 8, 2))
                    .addLayer("conv1", convolution(), "in")
                    .addLayer("norm1", new BatchNormalization(), "conv1")
                    .addLayer("conv2", convolution(), "norm1")
                    .addLayer("norm2", new BatchNormalization(), "conv2")
                    .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "norm1", "norm2")
                    .addLayer("out", output(3), "sum")
                    .setOutputs("out")
                    .build();
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return CONVOLUTIONS.batch(seed, examples);
        }
    },
    /** Gradients are normalized layer by layer, so the update is not cut. */
    CLIPPED {
        @Override
        ComputationGraphConfiguration configuration() {
            ComputationGraphConfiguration configuration = CONVOLUTIONS.configuration();
            for (String name : List.of("conv1", "conv2", "dense", "out")) {
                LayerVertex vertex = (LayerVertex) configuration.getVertices().get(name);
                BaseLayer layer = (BaseLayer) vertex.getLayerConf().getLayer();
                layer.setGradientNormalization(GradientNormalization.ClipL2PerLayer);
                layer.setGradientNormalizationThreshold(0.05);
            }
            return configuration;
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return CONVOLUTIONS.batch(seed, examples);
        }
    },
    /** Its result is not that of plain {@code fit}, but does not depend on the plan. */
    DROPOUT {
        @Override
        ComputationGraphConfiguration configuration() {
            return base().addInputs("in")
                    .setInputTypes(InputType.convolutional(8, 8, 2))
                    .addLayer(
                            "dense1",
                            new DenseLayer.Builder()
                                    .nOut(12)
                                    .dropOut(0.5)
                                    .activation(Activation.TANH)
                                    .build(),
                            "in")
                    .addLayer(
                            "dense2",
                            new DenseLayer.Builder()
                                    .nOut(10)
                                    .dropOut(0.8)
                                    .activation(Activation.TANH)
                                    .build(),
                            "dense1")
                    .addLayer("out", output(3), "dense2")
                    .setOutputs("out")
                    .build();
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return CONVOLUTIONS.batch(seed, examples);
        }
    },
    /** Truncated back-propagation through time, in segments of two steps and what is left. */
    LSTM_IN_SEGMENTS {
        @Override
        ComputationGraphConfiguration configuration() {
            ComputationGraphConfiguration configuration = LSTM_WITH_MASKS.configuration();
            configuration.setBackpropType(BackpropType.TruncatedBPTT);
            configuration.setTbpttFwdLength(2);
            configuration.setTbpttBackLength(2);
            return configuration;
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return LSTM_WITH_MASKS.batch(seed, examples);
        }
    },
    LSTM_WITH_MASKS {
        @Override
        ComputationGraphConfiguration configuration() {
            return base().addInputs("in")
                    .setInputTypes(InputType.recurrent(3, 5))
                    .addLayer(
                            "lstm1",
                            new LSTM.Builder()
                                    .nOut(6)
                                    .activation(Activation.TANH)
                                    .build(),
                            "in")
                    .addLayer(
                            "lstm2",
                            new LSTM.Builder()
                                    .nOut(5)
                                    .activation(Activation.TANH)
                                    .build(),
                            "lstm1")
                    .addLayer(
                            "out",
                            new RnnOutputLayer.Builder(LossFunction.MSE)
                                    .nOut(2)
                                    .activation(Activation.IDENTITY)
                                    .build(),
                            "lstm2")
                    .setOutputs("out")
                    .build();
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            INDArray mask = Nd4j.ones(DataType.DOUBLE, examples, 5);
            for (int example = 0; example < examples; example += 2) {
                mask.putScalar(example, 4, 0);
            }
            return new MultiDataSet(
                    new INDArray[] {random(seed, examples, 3, 5)},
                    new INDArray[] {random(seed + 1, examples, 2, 5)},
                    new INDArray[] {mask},
                    new INDArray[] {mask.dup()});
        }
    },
    TWO_INPUTS_TWO_OUTPUTS {
        @Override
        ComputationGraphConfiguration configuration() {
            return base().addInputs("a", "b")
                    .setInputTypes(InputType.feedForward(4), InputType.feedForward(3))
                    .addLayer(
                            "da",
                            new DenseLayer.Builder()
                                    .nOut(6)
                                    .activation(Activation.TANH)
                                    .build(),
                            "a")
                    .addLayer(
                            "db",
                            new DenseLayer.Builder()
                                    .nOut(5)
                                    .activation(Activation.TANH)
                                    .build(),
                            "b")
                    .addVertex("both", new MergeVertex(), "da", "db")
                    .addLayer(
                            "shared",
                            new DenseLayer.Builder()
                                    .nOut(7)
                                    .activation(Activation.TANH)
                                    .build(),
                            "both")
                    .addLayer("out1", output(3), "shared")
                    .addLayer("out2", output(2), "shared", "da")
                    .setOutputs("out1", "out2")
                    .build();
        }

        @Override
        MultiDataSet batch(long seed, int examples) {
            return new MultiDataSet(
                    new INDArray[] {random(seed, examples, 4), random(seed + 1, examples, 3)},
                    new INDArray[] {classes(examples, 3), classes(examples, 2)});
        }
    };

    abstract ComputationGraphConfiguration configuration();

    abstract MultiDataSet batch(long seed, int examples);

    public ComputationGraph graph() {
        ComputationGraph graph = new ComputationGraph(configuration());
        graph.init();
        return graph;
    }

    /** The last batch has fewer examples. */
    public List<MultiDataSet> batches(int count) {
        List<MultiDataSet> batches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batches.add(batch(10 + i, i == count - 1 ? 5 : 11));
        }
        return batches;
    }

    private static ComputationGraphConfiguration.GraphBuilder base() {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .l2(1e-3)
                .graphBuilder();
    }

    private static ConvolutionLayer convolution() {
        return new ConvolutionLayer.Builder(3, 3)
                .padding(1, 1)
                .nOut(4)
                .activation(Activation.TANH)
                .build();
    }

    private static OutputLayer output(int classes) {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(classes)
                .activation(Activation.SOFTMAX)
                .build();
    }

    private static INDArray random(long seed, int... shape) {
        INDArray array = Nd4j.createUninitialized(DataType.DOUBLE, toLong(shape));
        java.util.Random random = new java.util.Random(seed);
        for (long i = 0; i < array.length(); i++) {
            array.putScalar(i, random.nextGaussian());
        }
        return array;
    }

    private static long[] toLong(int[] shape) {
        return java.util.Arrays.stream(shape).asLongStream().toArray();
    }

    private static INDArray classes(int examples, int classes) {
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, examples, classes);
        for (int i = 0; i < examples; i++) {
            labels.putScalar(i, i % classes, 1);
        }
        return labels;
    }
}
