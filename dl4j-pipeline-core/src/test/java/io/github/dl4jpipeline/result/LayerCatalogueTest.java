package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Invariant 1 over Deeplearning4j's layers and vertices, each in a small network. */
@SuppressWarnings({"deprecation", "rawtypes"}) // saved models still have these layers
class LayerCatalogueTest {
    private static final DataType TYPE = DataType.DOUBLE;
    private static final int EXAMPLES = 7;

    /** What the settings of networks get besides. */
    private static UnaryOperator<NeuralNetConfiguration.Builder> changes = UnaryOperator.identity();

    /** A network and data for it. */
    private record Entry(GraphBuilder builder, MultiDataSet first, MultiDataSet second) {
        String[] outputs() {
            return first.numLabelsArrays() == 1 ? new String[] {"output"} : new String[] {"classes", "output"};
        }
    }

    private static Stream<Named<Entry>> images() {
        return Stream.of(
                image(
                        "conv with stride",
                        new ConvolutionLayer.Builder(3, 3).stride(2, 2).nOut(3).build()),
                image(
                        "conv with dilation",
                        new ConvolutionLayer.Builder(3, 3)
                                .dilation(2, 2)
                                .nOut(3)
                                .build()),
                image(
                        "conv without bias",
                        new ConvolutionLayer.Builder(3, 3)
                                .hasBias(false)
                                .nOut(3)
                                .build()),
                image(
                        "deconvolution",
                        new Deconvolution2D.Builder(2, 2).stride(2, 2).nOut(3).build()),
                image(
                        "separable",
                        new SeparableConvolution2D.Builder(3, 3).nOut(3).build()),
                image(
                        "depthwise",
                        new DepthwiseConvolution2D.Builder(3, 3)
                                .depthMultiplier(2)
                                .nOut(4)
                                .build()),
                image(
                        "locally connected",
                        new LocallyConnected2D.Builder()
                                .kernelSize(3, 3)
                                .nOut(2)
                                .build()),
                image("upsampling", new Upsampling2D.Builder(2).build()),
                image("zero padding", new ZeroPaddingLayer(1, 2)),
                image("cropping", new Cropping2D(1, 1)),
                image("space to depth", new SpaceToDepthLayer.Builder(2, SpaceToDepthLayer.DataFormat.NCHW).build()),
                image(
                        "average pooling",
                        new SubsamplingLayer.Builder(PoolingType.AVG)
                                .kernelSize(2, 2)
                                .build()),
                image(
                        "p-norm pooling",
                        new SubsamplingLayer.Builder(PoolingType.PNORM)
                                .pnorm(2)
                                .kernelSize(2, 2)
                                .build()),
                image("global pooling", new GlobalPoolingLayer(PoolingType.MAX)),
                image(
                        "parametric ReLU",
                        new PReLULayer.Builder().inputShape(4, 8, 8).build()));
    }

    private static Stream<Named<Entry>> sequences() {
        return Stream.of(
                sequence("simple RNN", true, new SimpleRnn.Builder().nOut(5).build()),
                sequence("Graves LSTM", true, new GravesLSTM.Builder().nOut(5).build()),
                sequence(
                        "Graves bidirectional LSTM",
                        true,
                        new GravesBidirectionalLSTM.Builder().nOut(5).build()),
                sequence(
                        "bidirectional",
                        true,
                        new Bidirectional(new LSTM.Builder().nOut(5).build())),
                sequence(
                        "bidirectional product",
                        true,
                        new Bidirectional(
                                Bidirectional.Mode.MUL,
                                new LSTM.Builder().nOut(5).build())),
                sequence(
                        "mask zero",
                        true,
                        new MaskZeroLayer(new LSTM.Builder().nOut(5).build(), 0)),
                sequence(
                        "self attention",
                        true,
                        new SelfAttentionLayer.Builder()
                                .nIn(4)
                                .nOut(4)
                                .nHeads(1)
                                .projectInput(false)
                                .build()),
                // With masks these two fail or mix examples up in plain fit already.
                sequence(
                        "time distributed",
                        false,
                        new TimeDistributed(new DenseLayer.Builder().nOut(5).build())),
                sequence(
                        "convolution 1D",
                        false,
                        new Convolution1DLayer.Builder(3).padding(1).nOut(5).build()));
    }

    private static Stream<Named<Entry>> values() {
        return Stream.of(
                value(
                        "dense with layer norm",
                        new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build()),
                value(
                        "element-wise product",
                        new ElementWiseMultiplicationLayer.Builder()
                                .nIn(6)
                                .nOut(6)
                                .build()),
                value("autoencoder", new AutoEncoder.Builder().nOut(4).build()),
                value(
                        "variational autoencoder",
                        new VariationalAutoencoder.Builder()
                                .encoderLayerSizes(5)
                                .decoderLayerSizes(5)
                                .nOut(3)
                                .build()),
                value(
                        "repeat",
                        new RepeatVector.Builder(3).build(),
                        new LastTimeStep(new LSTM.Builder().nOut(4).build())));
    }

    private static Stream<Named<Entry>> others() {
        MultiDataSet words = TestData.words(TYPE, 1, EXAMPLES, 7, 3);
        INDArray sentences = org.nd4j.linalg.factory.Nd4j.create(TYPE, EXAMPLES, 5);
        for (int i = 0; i < sentences.length(); i++) {
            sentences.putScalar(i, i % 7);
        }
        return Stream.of(
                Named.of(
                        "embedded sequence",
                        new Entry(
                                start("words")
                                        .setInputTypes(InputType.recurrent(7, 5))
                                        .addLayer(
                                                "embedding",
                                                new EmbeddingSequenceLayer.Builder()
                                                        .nIn(7)
                                                        .nOut(4)
                                                        .inputLength(5)
                                                        .build(),
                                                "words")
                                        .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "embedding")
                                        .addLayer("output", TestGraphs.softmax(3), "pool"),
                                new MultiDataSet(sentences, words.getLabels(0)),
                                new MultiDataSet(sentences, words.getLabels(0)))),
                Named.of(
                        "volumes",
                        new Entry(
                                start("volume")
                                        .setInputTypes(InputType.convolutional3D(5, 5, 5, 2))
                                        .addLayer(
                                                "conv",
                                                new Convolution3D.Builder(2, 2, 2)
                                                        .nOut(3)
                                                        .build(),
                                                "volume")
                                        .addLayer(
                                                "pool",
                                                new Subsampling3DLayer.Builder(Subsampling3DLayer.PoolingType.MAX)
                                                        .kernelSize(2, 2, 2)
                                                        .build(),
                                                "conv")
                                        .addLayer("output", TestGraphs.softmax(3), "pool"),
                                TestData.classification(TYPE, 1, EXAMPLES, 3, 2, 5, 5, 5),
                                TestData.classification(TYPE, 2, EXAMPLES, 3, 2, 5, 5, 5))),
                Named.of("loss over pixels", pixels()),
                Named.of("loss over time steps", steps()),
                Named.of("vertices over values", valueVertices()),
                Named.of("vertices over sequences", sequenceVertices()),
                Named.of("stacked batches", stacked()),
                Named.of("attention", attention()));
    }

    @ParameterizedTest
    @MethodSource({"images", "sequences", "values", "others"})
    void sameResultAsPlainFit(Entry entry) {
        ComputationGraph start =
                TestGraphs.graph(entry.builder().setOutputs(entry.outputs()).build());
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = List.of(entry.first(), entry.second());
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int microBatches : new int[] {1, 3}) {
            for (int stages = 2; stages <= 3; stages++) {
                ComputationGraph graph = SameResult.copy(start);
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .plan(SameResult.evenPlan(graph, stages, microBatches))
                        .exampleIndependent(TimeDistributed.class) // without masks
                        .verifyFirstStep()
                        .build()) {
                    batches.forEach(net::fit);
                    assertThat(net.plan().microBatches()).isEqualTo(microBatches);
                    SameResult.assertSame(net, expected, 1e-10);
                }
            }
        }
    }

    /** The same networks with all kinds of regularization. */
    private static Stream<Named<Entry>> regularized() {
        List<Named<Entry>> all = new ArrayList<>();
        List<UnaryOperator<NeuralNetConfiguration.Builder>> kinds = List.of(
                settings -> settings.l1(0.03).l2(0.2).l1Bias(0.07).l2Bias(0.4),
                settings -> settings.weightDecay(0.3).weightDecayBias(0.5));
        for (UnaryOperator<NeuralNetConfiguration.Builder> kind : kinds) {
            changes = kind;
            Stream.of(images(), sequences(), values(), others())
                    .flatMap(entries -> entries)
                    .forEach(all::add);
        }
        changes = UnaryOperator.identity();
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("regularized")
    void theScoreOfAStepIsThatOfItsBatch(Entry entry) {
        ComputationGraph expected =
                TestGraphs.graph(entry.builder().setOutputs(entry.outputs()).build());
        ComputationGraph graph = SameResult.copy(expected);
        Percentage close = Percentage.withPercentage(1e-8);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .exampleIndependent(TimeDistributed.class) // without masks
                .build()) {
            double ofBatch = expected.score(entry.first());
            assertThat(net.score(entry.first())).as("of the batch").isCloseTo(ofBatch, close);
            expected.fit(entry.first());
            net.fit(entry.first());
            assertThat(net.score()).as("of plain fit").isCloseTo(expected.score(), close);
            assertThat(net.score()).as("of the step").isCloseTo(ofBatch, close);
            assertThat(net.score(entry.first())).as("then").isCloseTo(expected.score(entry.first()), close);
            assertThat(net.calcRegularizationScore(true)).isCloseTo(expected.calcRegularizationScore(true), close);
        }
    }

    private static GraphBuilder start(String... inputs) {
        return changes.apply(TestGraphs.settings(TYPE)).graphBuilder().addInputs(inputs);
    }

    private static Named<Entry> image(String name, Layer layer) {
        GraphBuilder builder = start("image")
                .setInputTypes(InputType.convolutional(8, 8, 2))
                .addLayer("conv", TestGraphs.convolution(4), "image")
                .addLayer("layer", layer, "conv")
                .addLayer("output", TestGraphs.softmax(3), "layer");
        return Named.of(
                name,
                new Entry(
                        builder,
                        TestData.classification(TYPE, 1, EXAMPLES, 3, 2, 8, 8),
                        TestData.classification(TYPE, 2, EXAMPLES, 3, 2, 8, 8)));
    }

    private static Named<Entry> sequence(String name, boolean masked, Layer layer) {
        GraphBuilder builder = start("steps")
                .setInputTypes(InputType.recurrent(4, 6))
                .addLayer("first", new LSTM.Builder().nOut(4).build(), "steps")
                .addLayer("layer", layer, "first")
                .addLayer("output", rnnOutput(), "layer");
        MultiDataSet first = TestData.sequences(TYPE, 1, EXAMPLES, 4, 3, 6, true);
        MultiDataSet second = TestData.sequences(TYPE, 2, EXAMPLES, 4, 3, 6, true);
        return Named.of(
                name,
                masked
                        ? new Entry(builder, first, second)
                        : new Entry(
                                builder,
                                new MultiDataSet(first.getFeatures(0), first.getLabels(0)),
                                new MultiDataSet(second.getFeatures(0), second.getLabels(0))));
    }

    private static Named<Entry> value(String name, Layer... layers) {
        GraphBuilder builder = start("values")
                .setInputTypes(InputType.feedForward(6))
                .addLayer("first", TestGraphs.dense(6), "values");
        String last = "first";
        for (int i = 0; i < layers.length; i++) {
            builder.addLayer("layer" + i, layers[i], last);
            last = "layer" + i;
        }
        builder.addLayer("output", TestGraphs.softmax(3), last);
        return Named.of(
                name,
                new Entry(
                        builder,
                        TestData.classification(TYPE, 1, EXAMPLES, 3, 6),
                        TestData.classification(TYPE, 2, EXAMPLES, 3, 6)));
    }

    private static Entry pixels() {
        MultiDataSet images = TestData.classification(TYPE, 1, EXAMPLES, 3, 2, 6, 6);
        INDArray labels = TestData.values(TYPE, 3, EXAMPLES, 2, 6, 6);
        MultiDataSet data = new MultiDataSet(images.getFeatures(0), labels);
        return new Entry(
                start("image")
                        .setInputTypes(InputType.convolutional(6, 6, 2))
                        .addLayer("conv", TestGraphs.convolution(4), "image")
                        .addLayer("conv2", TestGraphs.convolution(2), "conv")
                        .addLayer(
                                "output",
                                new CnnLossLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.TANH)
                                        .build(),
                                "conv2"),
                data,
                data);
    }

    private static Entry steps() {
        return new Entry(
                start("steps")
                        .setInputTypes(InputType.recurrent(4, 6))
                        .addLayer("first", new LSTM.Builder().nOut(4).build(), "steps")
                        .addLayer("second", new LSTM.Builder().nOut(3).build(), "first")
                        .addLayer(
                                "output",
                                new RnnLossLayer.Builder(LossFunction.MCXENT)
                                        .activation(Activation.SOFTMAX)
                                        .build(),
                                "second"),
                TestData.sequences(TYPE, 1, EXAMPLES, 4, 3, 6, true),
                TestData.sequences(TYPE, 2, EXAMPLES, 4, 3, 6, true));
    }

    private static Entry valueVertices() {
        return new Entry(
                start("left", "right")
                        .setInputTypes(InputType.feedForward(5), InputType.feedForward(3))
                        .addLayer("a", TestGraphs.dense(6), "left")
                        .addLayer("b", TestGraphs.dense(6), "right")
                        .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b")
                        .addVertex("product", new ElementWiseVertex(ElementWiseVertex.Op.Product), "a", "b")
                        .addVertex("max", new ElementWiseVertex(ElementWiseVertex.Op.Max), "a", "sum")
                        .addVertex("average", new ElementWiseVertex(ElementWiseVertex.Op.Average), "max", "product")
                        .addVertex("difference", new ElementWiseVertex(ElementWiseVertex.Op.Subtract), "a", "b")
                        .addVertex("distance", new L2Vertex(), "a", "b")
                        .addVertex("unit", new L2NormalizeVertex(), "average")
                        .addVertex("shifted", new ShiftVertex(0.5), "difference")
                        .addVertex("square", new ReshapeVertex(-1, 2, 3, 1), "unit")
                        .addVertex("flat", new PreprocessorVertex(new CnnToFeedForwardPreProcessor(3, 1, 2)), "square")
                        .addVertex("all", new MergeVertex(), "flat", "shifted", "distance")
                        .addLayer("classes", TestGraphs.softmax(3), "all")
                        .addLayer(
                                "output",
                                new org.deeplearning4j.nn.conf.layers.OutputLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .nOut(2)
                                        .build(),
                                "all"),
                TestData.twoInputsTwoOutputs(TYPE, 1, EXAMPLES),
                TestData.twoInputsTwoOutputs(TYPE, 2, EXAMPLES));
    }

    private static Entry sequenceVertices() {
        return new Entry(
                start("steps")
                        .setInputTypes(InputType.recurrent(4, 6))
                        .addLayer("lstm", new LSTM.Builder().nOut(5).build(), "steps")
                        .addVertex("backward", new ReverseTimeSeriesVertex("steps"), "lstm")
                        .addVertex("last", new LastTimeStepVertex("steps"), "backward")
                        .addVertex("again", new DuplicateToTimeSeriesVertex("steps"), "last")
                        .addVertex("both", new MergeVertex(), "lstm", "again")
                        .addLayer("output", rnnOutput(), "both"),
                TestData.sequences(TYPE, 1, EXAMPLES, 4, 3, 6, true),
                TestData.sequences(TYPE, 2, EXAMPLES, 4, 3, 6, true));
    }

    private static Entry stacked() {
        MultiDataSet first = TestData.twoInputsTwoOutputs(TYPE, 1, EXAMPLES);
        MultiDataSet data = new MultiDataSet(
                new INDArray[] {first.getFeatures(0), first.getFeatures(0).mul(0.5)},
                new INDArray[] {first.getLabels(0)});
        return new Entry(
                start("left", "right")
                        .setInputTypes(InputType.feedForward(5), InputType.feedForward(5))
                        .addVertex("stack", new StackVertex(), "left", "right")
                        .addLayer("shared", TestGraphs.dense(6), "stack")
                        .addVertex("a", new UnstackVertex(0, 2), "shared")
                        .addVertex("b", new UnstackVertex(1, 2), "shared")
                        .addVertex("merged", new MergeVertex(), "a", "b")
                        .addLayer("output", TestGraphs.softmax(3), "merged"),
                data,
                data);
    }

    private static Entry attention() {
        return new Entry(
                start("steps")
                        .setInputTypes(InputType.recurrent(4, 6))
                        .addLayer("lstm", new LSTM.Builder().nOut(4).build(), "steps")
                        .addVertex(
                                "attention",
                                new AttentionVertex.Builder()
                                        .nOut(4)
                                        .nHeads(2)
                                        .projectInput(true)
                                        .nInQueries(4)
                                        .nInKeys(4)
                                        .nInValues(4)
                                        .build(),
                                "lstm",
                                "lstm",
                                "lstm")
                        .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "attention")
                        .addLayer("output", TestGraphs.softmax(3), "pool"),
                TestData.sequences(TYPE, 1, EXAMPLES, 4, 3, 6, false),
                TestData.sequences(TYPE, 2, EXAMPLES, 4, 3, 6, false));
    }

    private static RnnOutputLayer rnnOutput() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(3)
                .build();
    }
}
