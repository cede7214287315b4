package io.github.dl4jpipeline.result;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Invariant 1 for self-attention, and for the layers of sequences that stay Deeplearning4j's own, with masks that differ from
 * micro-batch to micro-batch.
 */
class SequenceLayersTest {
    private static final int SIZE = 4;
    private static final int STEPS = 6;
    private static final int CLASSES = 3;
    private static final int EXAMPLES = 7;

    /** A network, and two batches for it. */
    private record Case(GraphBuilder builder, MultiDataSet first, MultiDataSet second) {}

    private static Stream<Named<Case>> cases() {
        return Stream.of(DataType.DOUBLE, DataType.FLOAT).flatMap(SequenceLayersTest::cases);
    }

    private static Stream<Named<Case>> cases(DataType type) {
        return Stream.of(
                one("self-attention, projected", type, attention(2), RnnOutput.WEIGHTS),
                one(
                        "self-attention of the input itself",
                        type,
                        new SelfAttentionLayer.Builder()
                                .nHeads(1)
                                .projectInput(false)
                                .build(),
                        RnnOutput.WEIGHTS),
                one("self-attention, unmasked", type, attention(4), RnnOutput.POOLED_UNMASKED),
                one(
                        "recurrent attention",
                        type,
                        new RecurrentAttentionLayer.Builder()
                                .nOut(4)
                                .nHeads(1)
                                .projectInput(true)
                                .hasBias(true)
                                .build(),
                        RnnOutput.POOLED),
                one(
                        "losses without weights",
                        type,
                        new LSTM.Builder().nOut(CLASSES).build(),
                        RnnOutput.NO_WEIGHTS),
                one(
                        "pooling of steps, unmasked",
                        type,
                        new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.MAX, 3, 1, 0).build(),
                        RnnOutput.POOLED_UNMASKED),
                one(
                        "layer normalization of a dense layer at each step",
                        type,
                        new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build(),
                        RnnOutput.WEIGHTS),
                Named.of("last step of another mask " + type, lastStep(type)),
                Named.of("embedding " + type, embedding(type, Activation.TANH, true)),
                Named.of("embedding alone " + type, embedding(type, Activation.IDENTITY, false)),
                Named.of("embedding of sequences " + type, embeddingOfSequences(type, Activation.TANH, true)),
                Named.of(
                        "embedding of sequences alone " + type,
                        embeddingOfSequences(type, Activation.IDENTITY, false)));
    }

    private enum RnnOutput {
        WEIGHTS,
        NO_WEIGHTS,
        POOLED,
        POOLED_UNMASKED
    }

    private static Layer attention(int heads) {
        return new SelfAttentionLayer.Builder()
                .nOut(4)
                .nHeads(heads)
                .projectInput(true)
                .build();
    }

    private static GraphBuilder start(DataType type, InputType input) {
        return TestGraphs.settings(type).graphBuilder().addInputs("steps").setInputTypes(input);
    }

    private static Named<Case> one(String name, DataType type, Layer layer, RnnOutput output) {
        GraphBuilder builder = start(type, InputType.recurrent(SIZE, STEPS))
                .addLayer("before", new LSTM.Builder().nOut(SIZE).build(), "steps")
                .addLayer("layer", layer, "before");
        boolean perStep = output != RnnOutput.POOLED && output != RnnOutput.POOLED_UNMASKED;
        boolean masked = output != RnnOutput.POOLED_UNMASKED;
        switch (output) {
            case WEIGHTS -> builder.addLayer("output", rnnOutput(), "layer");
            case NO_WEIGHTS ->
                builder.addLayer(
                        "output",
                        new RnnLossLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "layer");
            case POOLED, POOLED_UNMASKED ->
                builder.addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "layer")
                        .addLayer("output", TestGraphs.softmax(CLASSES), "pool");
        }
        return Named.of(
                name + " " + type,
                new Case(builder.setOutputs("output"), data(type, 1, perStep, masked), data(type, 2, perStep, masked)));
    }

    private static MultiDataSet data(DataType type, long seed, boolean perStep, boolean masked) {
        MultiDataSet data = TestData.sequences(type, seed, EXAMPLES, SIZE, CLASSES, STEPS, perStep);
        return masked ? data : new MultiDataSet(data.getFeatures(0), data.getLabels(0));
    }

    private static RnnOutputLayer rnnOutput() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(CLASSES)
                .build();
    }

    private static Case lastStep(DataType type) {
        GraphBuilder builder = start(type, InputType.recurrent(SIZE, STEPS))
                .addLayer("lstm", new LSTM.Builder().nOut(5).build(), "steps")
                .addVertex("last", new LastTimeStepVertex("steps"), "lstm")
                .addLayer("output", TestGraphs.softmax(CLASSES), "last")
                .setOutputs("output");
        return new Case(builder, data(type, 1, false, true), data(type, 2, false, true));
    }

    private static Case embedding(DataType type, Activation function, boolean bias) {
        GraphBuilder builder = start(type, InputType.feedForward(9))
                .addLayer(
                        "embedding",
                        new EmbeddingLayer.Builder()
                                .nIn(9)
                                .nOut(5)
                                .hasBias(bias)
                                .activation(function)
                                .build(),
                        "steps")
                .addLayer(
                        "dense",
                        new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build(),
                        "embedding")
                .addLayer("output", TestGraphs.softmax(CLASSES), "dense")
                .setOutputs("output");
        return new Case(builder, words(type, 1, EXAMPLES, 1), words(type, 2, EXAMPLES, 1));
    }

    private static Case embeddingOfSequences(DataType type, Activation function, boolean bias) {
        GraphBuilder builder = start(type, InputType.recurrent(9, STEPS))
                .addLayer(
                        "embedding",
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(9)
                                .nOut(5)
                                .inputLength(STEPS)
                                .hasBias(bias)
                                .activation(function)
                                .build(),
                        "steps")
                .addLayer("lstm", new LSTM.Builder().nOut(5).build(), "embedding")
                .addLayer("output", rnnOutput(), "lstm")
                .setOutputs("output");
        MultiDataSet masked = data(type, 3, true, true);
        MultiDataSet words = words(type, 1, EXAMPLES, STEPS);
        MultiDataSet all = new MultiDataSet(
                words.getFeatures(), masked.getLabels(), masked.getFeaturesMaskArrays(), masked.getLabelsMaskArrays());
        return new Case(builder, all, all);
    }

    /** Numbers from 0 to 8, several of them more than once. */
    private static MultiDataSet words(DataType type, long seed, int examples, int steps) {
        INDArray words = TestData.values(type, seed, examples, steps).mul(100);
        INDArray indices = words.dup('c');
        for (int i = 0; i < examples; i++) {
            for (int step = 0; step < steps; step++) {
                indices.putScalar(i, step, Math.floorMod(words.getInt(i, step), 9));
            }
        }
        return new MultiDataSet(
                indices,
                TestData.classification(type, seed, examples, CLASSES, 2).getLabels(0));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void parametersAfterTwoSteps(Case layer) {
        assertParametersAfterTwoSteps(layer, Schedules.oneForwardOneBackward());
    }

    /** Parameter gradients in tasks of their own. */
    @ParameterizedTest
    @MethodSource("cases")
    void withZeroBubbles(Case layer) {
        assertParametersAfterTwoSteps(layer, Schedules.zeroBubble());
    }

    private static void assertParametersAfterTwoSteps(Case layer, Schedule schedule) {
        ComputationGraph start = TestGraphs.graph(layer.builder().build());
        boolean precise = start.params().dataType() == DataType.DOUBLE;
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = List.of(layer.first(), layer.second());
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int stages = 1; stages <= 2; stages++) {
            for (int microBatches : new int[] {1, 3}) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(SameResult.evenPlan(graph, stages, microBatches))
                        .schedule(schedule)
                        .build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, expected, precise ? 1e-10 : 2e-5);
                }
            }
        }
    }
}
