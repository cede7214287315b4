package io.github.dl4jpipeline.internal.graph;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

class ExampleCouplingTest {
    @Test
    void batchNormalizationCouplesExamplesUnlessToldOtherwise() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.FLOAT, true));
        List<ExampleCoupling> couplings = ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, Set.of());
        assertThat(couplings.stream().map(ExampleCoupling::vertex)).containsExactly("aNorm", "bNorm");
        assertThat(couplings).allMatch(ExampleCoupling::batchNorm);
        assertThat(ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, Set.of(BatchNormalization.class)))
                .isEqualTo(couplings);
        assertThat(ExampleCoupling.in(graph, BatchNormStatistics.PER_MICRO_BATCH, Set.of()))
                .isEmpty();
        assertThat(couplings(TestGraphs.graph(TestGraphs.lstm(DataType.FLOAT)))).isEmpty();
    }

    /** So that a class of another version of Deeplearning4j is not forgotten. Until then it is assumed to couple examples. */
    @Test
    void everyClassOfDeeplearning4jIsKnown() throws Exception {
        List<String> unknown = new ArrayList<>();
        int found = 0;
        for (Class<?> inJar : new Class<?>[] {GraphVertex.class, ActivationTanH.class}) {
            for (String name : classes(inJar)) {
                Class<?> type = Class.forName(name, false, getClass().getClassLoader());
                boolean isPart = ConfigurationParts.isPart(type)
                        && !type.isInterface()
                        && !Modifier.isAbstract(type.getModifiers());
                if (isPart) {
                    found++;
                    boolean isKnown = KnownClasses.INDEPENDENT.contains(type)
                            || KnownClasses.COUPLED.containsKey(type)
                            || type == BatchNormalization.class
                            || type == TimeDistributed.class;
                    if (!isKnown) {
                        unknown.add(name);
                    }
                }
            }
        }
        assertThat(unknown).isEmpty();
        assertThat(found).isEqualTo(KnownClasses.INDEPENDENT.size() + KnownClasses.COUPLED.size() + 2);
    }

    private static List<String> classes(Class<?> inJar) throws IOException {
        Path path = Path.of(
                inJar.getProtectionDomain().getCodeSource().getLocation().getPath());
        try (JarFile jar = new JarFile(path.toFile())) {
            return jar.stream()
                    .map(entry -> entry.getName())
                    .filter(
                            name -> name.matches(
                                    "org/(deeplearning4j/nn/conf|deeplearning4j/preprocessors|nd4j/linalg/(activations|lossfunctions))/.*[.]class"))
                    .map(name -> name.replace(".class", "").replace('/', '.'))
                    .toList();
        }
    }

    @SuppressWarnings("ArrayRecordComponent")
    private record Case(Consumer<GraphBuilder> middle, String... couplings) {}

    private static Stream<Named<Case>> vertices() {
        return Stream.of(
                one("rows as they are", new ReshapeVertex(-1, 6)),
                one("rows cut", new ReshapeVertex(-1, 1, 3)),
                one("fixed batch", new ReshapeVertex(8, 6), "v"),
                one("joined", new ReshapeVertex(4, -1), "v"),
                one("joined by width", new ReshapeVertex(-1, 12), "v"),
                one("order f", new ReshapeVertex('f', new int[] {-1, 6}, null), "v"),
                one("mask", new ReshapeVertex('c', new int[] {-1, 6}, new int[] {2, -1}), "v"),
                one("norm of examples", new L2NormalizeVertex(new int[] {1}, 1e-8)),
                one("norm of all", new L2NormalizeVertex(new int[] {0, 1}, 1e-8), "v"),
                one("merge", new MergeVertex()),
                one("merge of batches", merged(0), "v"),
                one("unstacked from outside", new UnstackVertex(0, 2), "v"),
                one("permuted", new PreprocessorVertex(new PermutePreprocessor(0, 2, 1))),
                one("permuted without examples", new PreprocessorVertex(new PermutePreprocessor(2, 1))),
                one("transposed", new PreprocessorVertex(new PermutePreprocessor(1, 0)), "v"),
                one(
                        "within a preprocessor",
                        new PreprocessorVertex(new ComposableInputPreProcessor(new PermutePreprocessor(1, 0))),
                        "v"),
                one(
                        "reshape of examples",
                        new PreprocessorVertex(new ReshapePreprocessor(new long[] {6}, new long[] {2, 3}, false))),
                one(
                        "reshape of time steps",
                        new PreprocessorVertex(new ComposableInputPreProcessor(
                                new RnnToFeedForwardPreProcessor(),
                                new ReshapePreprocessor(new long[] {6}, new long[] {2, 3}, false))),
                        "v"),
                one(
                        "time steps and back",
                        new PreprocessorVertex(new ComposableInputPreProcessor(
                                new RnnToFeedForwardPreProcessor(), new FeedForwardToRnnPreProcessor()))),
                several(
                        "rows of examples as time steps",
                        middle -> middle.addVertex("v", new ReshapeVertex(-1, 3), "first")
                                .addVertex("steps", new PreprocessorVertex(new FeedForwardToRnnPreProcessor()), "v"),
                        "steps"),
                several("stacked", middle -> middle.addVertex("stack", new StackVertex(), "first", "first")
                        .addVertex("v", new UnstackVertex(0, 2), "stack")),
                several(
                        "stacked otherwise",
                        middle -> middle.addVertex("stack", new StackVertex(), "first", "first")
                                .addVertex("v", new UnstackVertex(0, 4), "stack"),
                        "v"),
                several(
                        "rows cut of an unknown size",
                        middle -> middle.addVertex("v", new ReshapeVertex(-1, 2), "in"),
                        "v"));
    }

    private static GraphVertex merged(int axis) {
        MergeVertex merge = new MergeVertex();
        merge.setMergeAxis(axis);
        return merge;
    }

    private static Named<Case> one(String name, GraphVertex vertex, String... couplings) {
        return several(name, middle -> middle.addVertex("v", vertex, "first"), couplings);
    }

    private static Named<Case> several(String name, Consumer<GraphBuilder> middle, String... couplings) {
        return Named.of(name, new Case(middle, couplings));
    }

    @ParameterizedTest
    @MethodSource("vertices")
    void verticesByTheirSettingsAndByWhatStandsBeforeThem(Case each) {
        assertThat(couplings(graph(each.middle()))).containsExactly(each.couplings());
    }

    private static DenseLayer.Builder dense() {
        return new DenseLayer.Builder().nIn(6).nOut(6);
    }

    private static Named<Case> layer(String name, Layer layer, String... couplings) {
        return several(name, middle -> middle.addLayer("v", layer, "first"), couplings);
    }

    private static Stream<Named<Case>> layers() {
        ForeignParts.Activation foreign = new ForeignParts.Activation();
        Layer lstm = new LSTM.Builder()
                .nIn(6)
                .nOut(6)
                .gateActivationFunction(foreign)
                .build();
        Layer inner = dense().activation(foreign).build();
        return Stream.of(
                layer("known", dense().activation(new ActivationTanH()).build()),
                layer("a subclass", new ForeignParts.Tanh(), "v"),
                layer("an anonymous subclass", new ActivationLayer(Activation.TANH) {}, "v"),
                layer("activation", inner, "v"),
                layer("activation of gates", lstm, "v"),
                layer("in both directions", new Bidirectional(lstm), "v"),
                layer("in a layer that masks", new MaskZeroLayer(lstm, 0), "v"),
                layer("in every time step", new TimeDistributed(inner), "v", "v"),
                layer("in a frozen layer", new FrozenLayer(inner), "v"),
                layer("in a layer with fixed parameters", new FrozenLayerWithBackprop(inner), "v"),
                layer("dropout", dense().dropOut(new ForeignParts.Noise()).build(), "v"),
                layer(
                        "weight noise",
                        dense().weightNoise(new ForeignParts.OfWeights()).build(),
                        "v"),
                layer(
                        "constraint",
                        dense().constrainWeights(new ForeignParts.Constraint()).build(),
                        "v"),
                layer("loss", output(new ForeignParts.Loss()), "v"),
                layer("known loss", output(new LossMSE())),
                layer("F-measure", output(new LossFMeasure()), "v"),
                layer(
                        "pooling",
                        new GlobalPoolingLayer.Builder().poolingDimensions(2, 3).build()),
                layer(
                        "pooling of examples",
                        new GlobalPoolingLayer.Builder().poolingDimensions(0, 2).build(),
                        "v"),
                several("vertex", middle -> middle.addVertex("v", new ProbeVertex(), "first"), "v"),
                several(
                        "preprocessor within another",
                        middle -> middle.addLayer(
                                "v",
                                dense().build(),
                                new ComposableInputPreProcessor(new ForeignParts.Preprocessor()),
                                "first"),
                        "v"));
    }

    private static Layer output(org.nd4j.linalg.lossfunctions.ILossFunction loss) {
        return new OutputLayer.Builder(loss)
                .nIn(6)
                .nOut(6)
                .activation(Activation.SIGMOID)
                .build();
    }

    @ParameterizedTest
    @MethodSource("layers")
    void classesOfTheUserWhereverTheyStand(Case each) {
        assertThat(couplings(graph(each.middle()))).containsExactly(each.couplings());
    }

    @Test
    void theUserVouchesForExactClasses() {
        ComputationGraph graph = graph(middle -> middle.addLayer(
                        "v", dense().activation(new ForeignParts.Activation()).build(), "first")
                .addVertex("probe", new ProbeVertex(), "v"));
        assertThat(ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, Set.of(ProbeVertex.class)))
                .singleElement()
                .matches(coupling -> coupling.reason().contains(ForeignParts.Activation.class.getName())
                        && coupling.remedy().contains("exampleIndependent(Activation.class)"));
        assertThat(ExampleCoupling.in(
                        graph,
                        BatchNormStatistics.FULL_BATCH,
                        Set.of(ProbeVertex.class, ForeignParts.Activation.class)))
                .isEmpty();
        ComputationGraph loss = graph(middle -> middle.addLayer("v", output(new LossFMeasure()), "first"));
        assertThat(ExampleCoupling.in(loss, BatchNormStatistics.FULL_BATCH, Set.of(LossFMeasure.class)))
                .hasSize(1);
    }

    private static List<String> couplings(ComputationGraph graph) {
        return ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, Set.of()).stream()
                .map(ExampleCoupling::vertex)
                .toList();
    }

    private static ComputationGraph graph(Consumer<GraphBuilder> middle) {
        GraphBuilder builder = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("first", dense().build(), "in");
        middle.accept(builder);
        return TestGraphs.graph(builder.addLayer("output", TestGraphs.softmax(6, 3), "first")
                .setOutputs("output")
                .allowDisconnected(true)
                .validateOutputLayerConfig(false)
                .build());
    }
}
