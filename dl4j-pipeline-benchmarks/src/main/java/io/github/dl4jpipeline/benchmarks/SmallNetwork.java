package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.cli.model.NamedModel;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small and odd networks, where a step costs little arithmetic. */
enum SmallNetwork {
    DENSE(DataType.FLOAT, 32, 5),
    LENET(DataType.FLOAT, 64, 10),
    AUTOENCODER(DataType.FLOAT, 64, 784),
    DOUBLES(DataType.DOUBLE, 32, 10),
    BATCH_OF_ONE(DataType.FLOAT, 1, 10),
    ATTENTION(DataType.FLOAT, 16, 5),
    SMALL_LSTM(DataType.FLOAT, 16, 5),
    EMBEDDING(DataType.FLOAT, 32, 10),
    CONVOLUTION_1D(DataType.FLOAT, 16, 5),
    TWO_INPUTS(DataType.FLOAT, 32, 5),
    BATCH_NORM(DataType.FLOAT, 32, 10),
    LOGISTIC(DataType.FLOAT, 32, 10);

    private static final int STEPS = 20;
    private static final int WORDS = 2_000;

    private final DataType type;
    private final int batch;
    private final int outputs;

    SmallNetwork(DataType type, int batch, int outputs) {
        this.type = type;
        this.batch = batch;
        this.outputs = outputs;
    }

    int batch() {
        return batch;
    }

    /** A new network, the same each time. */
    ComputationGraph graph() {
        if (this == LENET || this == AUTOENCODER) {
            return NamedModel.of(title(), 1).graph();
        }
        ComputationGraph graph = new ComputationGraph(configuration());
        graph.init();
        return graph;
    }

    String title() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private ComputationGraphConfiguration configuration() {
        Chain chain = new Chain(type);
        return switch (this) {
            case DENSE -> chain.input(64).add(dense(100)).add(dense(32)).classify(outputs);
            case DOUBLES -> chain.input(64).add(dense(128)).add(dense(64)).classify(outputs);
            case BATCH_OF_ONE -> chain.input(64).add(dense(256)).add(dense(128)).classify(outputs);
            case ATTENTION ->
                chain.sequences(16)
                        .add(new SelfAttentionLayer.Builder()
                                .nOut(32)
                                .nHeads(4)
                                .projectInput(true)
                                .build())
                        .add(new GlobalPoolingLayer())
                        .classify(outputs);
            case SMALL_LSTM ->
                chain.sequences(16)
                        .add(new LSTM.Builder()
                                .nOut(32)
                                .activation(Activation.TANH)
                                .build())
                        .classifySteps(outputs);
            case EMBEDDING ->
                chain.input(WORDS)
                        .add(new EmbeddingLayer.Builder().nIn(WORDS).nOut(32).build())
                        .add(dense(64))
                        .classify(outputs);
            case CONVOLUTION_1D ->
                chain.sequences(16)
                        .add(new Convolution1DLayer.Builder(3).nOut(32).build())
                        .add(new GlobalPoolingLayer())
                        .classify(outputs);
            case TWO_INPUTS -> chain.twoInputs(20, 12).add(dense(64)).classify(outputs);
            case BATCH_NORM ->
                chain.input(64)
                        .add(dense(128))
                        .add(new BatchNormalization())
                        .add(dense(64))
                        .classify(outputs);
            case LOGISTIC -> chain.input(784).classify(outputs);
            default -> throw new IllegalStateException(this + " is a model of the command line");
        };
    }

    private static Layer dense(int width) {
        return new DenseLayer.Builder().nOut(width).build();
    }

    /** Random examples for it. */
    MultiDataSet data() {
        Random random = new Random(1);
        INDArray[] features =
                featureShapes().map(shape -> Nd4j.rand(type, shape)).toArray(INDArray[]::new);
        if (this == EMBEDDING) {
            for (int i = 0; i < batch; i++) {
                features[0].putScalar(i, 0, random.nextInt(WORDS));
            }
        }
        return new MultiDataSet(features, new INDArray[] {labels(random)});
    }

    private Stream<long[]> featureShapes() {
        return switch (this) {
            case DENSE, DOUBLES, BATCH_OF_ONE, BATCH_NORM -> Stream.of(new long[] {batch, 64});
            case LENET -> Stream.of(new long[] {batch, 3, 32, 32});
            case AUTOENCODER, LOGISTIC -> Stream.of(new long[] {batch, 784});
            case ATTENTION, SMALL_LSTM, CONVOLUTION_1D -> Stream.of(new long[] {batch, 16, STEPS});
            case EMBEDDING -> Stream.of(new long[] {batch, 1});
            case TWO_INPUTS -> Stream.of(new long[] {batch, 20}, new long[] {batch, 12});
        };
    }

    private INDArray labels(Random random) {
        int steps = this == SMALL_LSTM ? STEPS : 1;
        INDArray labels = Nd4j.zeros(type, batch, outputs, steps);
        for (int i = 0; i < batch; i++) {
            for (int step = 0; step < steps; step++) {
                labels.putScalar(new int[] {i, random.nextInt(outputs), step}, 1);
            }
        }
        return steps == 1 ? labels.reshape(batch, outputs) : labels;
    }

    /** Layer after layer. */
    private static final class Chain {
        private final GraphBuilder graph;
        private int layers;
        private String last = "input";

        Chain(DataType type) {
            graph = new NeuralNetConfiguration.Builder()
                    .seed(1)
                    .dataType(type)
                    .activation(Activation.RELU)
                    .updater(new Adam(1e-3))
                    .graphBuilder();
        }

        Chain input(int width) {
            graph.addInputs(last).setInputTypes(InputType.feedForward(width));
            return this;
        }

        Chain sequences(int width) {
            graph.addInputs(last).setInputTypes(InputType.recurrent(width, STEPS));
            return this;
        }

        Chain twoInputs(int first, int second) {
            graph.addInputs("first", "second")
                    .setInputTypes(InputType.feedForward(first), InputType.feedForward(second))
                    .addLayer("own", dense(32), "first")
                    .addVertex("both", new MergeVertex(), "own", "second");
            last = "both";
            return this;
        }

        Chain add(Layer layer) {
            String name = "layer" + layers++;
            graph.addLayer(name, layer, last);
            last = name;
            return this;
        }

        ComputationGraphConfiguration classify(int classes) {
            return end(new OutputLayer.Builder(LossFunction.MCXENT)
                    .activation(Activation.SOFTMAX)
                    .nOut(classes)
                    .build());
        }

        ComputationGraphConfiguration classifySteps(int classes) {
            return end(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                    .activation(Activation.SOFTMAX)
                    .nOut(classes)
                    .build());
        }

        private ComputationGraphConfiguration end(Layer output) {
            add(output);
            return graph.setOutputs(last).build();
        }
    }
}
