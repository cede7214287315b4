package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineCase.Neighbours;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.stage.CopyPasses;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Results;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Way;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions;

class EngineLayersTest {
    private static final KernelChoice FAST = KernelChoice.all(Kernels.FAST);
    private static final KernelChoice STOCK = KernelChoice.all(Kernels.STOCK);
    private static final InputType MAPS = InputType.convolutional(9, 7, 5);
    private static final InputType CHANNELS_LAST = InputType.convolutional(9, 7, 5, CNN2DFormat.NHWC);
    private static final InputType STEPS = InputType.recurrent(5, 11);
    private static final InputType ROWS = InputType.feedForward(6);

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    private static ConvolutionLayer.Builder convolution() {
        return new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.RELU);
    }

    private static Stream<Named<EngineCase>> layers() {
        return Stream.of(
                        EngineCase.of("convolution", MAPS, convolution().build()),
                        EngineCase.of(
                                "linear convolution",
                                MAPS,
                                convolution().activation(Activation.IDENTITY).build()),
                        EngineCase.of(
                                "dense",
                                ROWS,
                                new DenseLayer.Builder()
                                        .nOut(4)
                                        .activation(Activation.RELU)
                                        .build()),
                        EngineCase.of("normalized dense", ROWS, normalized(4).build()),
                        EngineCase.of("max-pooling", MAPS, pooling(SubsamplingLayer.PoolingType.MAX)),
                        EngineCase.of("mean pooling", MAPS, pooling(SubsamplingLayer.PoolingType.AVG)),
                        EngineCase.of(
                                "convolution, channels last",
                                CHANNELS_LAST,
                                convolution().dataFormat(CNN2DFormat.NHWC).build()),
                        EngineCase.of("transposed convolution", MAPS, transposed()),
                        EngineCase.of("convolution of steps", STEPS, ofSteps().build()),
                        convolutionOfRows(),
                        behindRecurrent(),
                        EngineCase.of("upsampling", MAPS, new Upsampling2D.Builder(2).build()),
                        EngineCase.of("ReLU", MAPS, new ActivationLayer(Activation.RELU)),
                        EngineCase.of("tanh", MAPS, new ActivationLayer(Activation.TANH)))
                .map(layer -> Named.of(layer.toString(), layer));
    }

    private static DenseLayer.Builder normalized(int outputs) {
        return new DenseLayer.Builder()
                .nOut(outputs)
                .hasLayerNorm(true)
                .gainInit(0.7)
                .activation(Activation.RELU);
    }

    private static Layer transposed() {
        return new Deconvolution2D.Builder(3, 2)
                .stride(2, 2)
                .nOut(4)
                .activation(Activation.RELU)
                .build();
    }

    private static Convolution1DLayer.Builder ofSteps() {
        return new Convolution1DLayer.Builder(3).nOut(4).activation(Activation.RELU);
    }

    private static EngineCase convolutionOfRows() {
        return new EngineCase(
                "convolution of rows",
                InputType.feedForward(9 * 7 * 5),
                (builder, before, owner, neighbours) -> builder.inputPreProcessor(
                                "layer", new FeedForwardToCnnPreProcessor(9, 7, 5))
                        .addLayer("layer", convolution().nIn(5).build(), before),
                true);
    }

    private static Layer pooling(SubsamplingLayer.PoolingType kind) {
        return new SubsamplingLayer.Builder(kind).kernelSize(2, 2).stride(2, 2).build();
    }

    /** A diverging network must be seen as one. */
    @ParameterizedTest
    @MethodSource("layers")
    void whatIsNoNumberStaysNone(EngineCase layer) {
        for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            for (Neighbours neighbours : List.of(Neighbours.OF_ENGINE, Neighbours.NONE)) {
                ComputationGraph graph = layer.graph(DataType.FLOAT, neighbours);
                MicroBatch batch = layer.batch(graph, 3, 11);
                INDArray input = batch.features()[0];
                for (long place = 3; place < input.length(); place += 101) {
                    input.putScalar(place, value);
                }
                try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                        CopyPasses engine = new CopyPasses(graph, FAST, true)) {
                    Results expected = stock.train(batch.copy(), Way.USUAL, 0);
                    Results actual = engine.train(batch.copy(), Way.USUAL, 0);
                    String name = value + " " + neighbours + " ";
                    assertNotANumberAlike(name + "activation of ", actual.activations(), expected.activations());
                    assertNotANumberAlike(name + "error of ", actual.errors(), expected.errors());
                    assertNotANumberAlike(name + "gradient of ", actual.gradients(), expected.gradients());
                }
            }
        }
    }

    private static void assertNotANumberAlike(
            String name, Map<String, INDArray> actual, Map<String, INDArray> expected) {
        expected.forEach(
                (key, array) -> assertThat(ArrayDifference.of(finiteAsZero(actual.get(key)), finiteAsZero(array))
                                .mismatch())
                        .as(name + key)
                        .isEmpty());
    }

    private static INDArray finiteAsZero(INDArray array) {
        INDArray copy = array.dup('c');
        for (long i = 0; i < copy.length(); i++) {
            if (Double.isFinite(copy.getDouble(i))) {
                copy.putScalar(i, 0);
            }
        }
        return copy;
    }

    /** Vertices between others, and layers with options that the other cases do not have. */
    private static Stream<Named<EngineCase>> vertices() {
        List<EngineCase> cases = new ArrayList<>();
        for (ElementWiseVertex.Op op : List.of(
                ElementWiseVertex.Op.Add,
                ElementWiseVertex.Op.Average,
                ElementWiseVertex.Op.Subtract,
                ElementWiseVertex.Op.Product,
                ElementWiseVertex.Op.Max)) {
            cases.add(ofBranches("two, " + op, new ElementWiseVertex(op), 5, 5));
            if (op != ElementWiseVertex.Op.Subtract) {
                cases.add(ofBranches("three, " + op, new ElementWiseVertex(op), 5, 5, 5));
            }
        }
        cases.add(ofBranches("merged", new MergeVertex(), 5, 3));
        cases.add(ofBranches("merged blocks", new MergeVertex(), 16, 32));
        cases.add(ofBranches("merged blocks and a rest", new MergeVertex(), 16, 8, 5));
        cases.add(ofBranches("merged rest and blocks", new MergeVertex(), 5, 16));
        for (PoolingType kind : List.of(PoolingType.MAX, PoolingType.AVG, PoolingType.SUM)) {
            cases.add(EngineCase.of("global pooling " + kind, MAPS, new GlobalPoolingLayer(kind)));
            cases.add(EngineCase.of(
                    "global pooling of blocks " + kind,
                    InputType.convolutional(5, 4, 16),
                    new GlobalPoolingLayer(kind)));
        }
        cases.add(EngineCase.of(
                "global pooling to maps",
                MAPS,
                new GlobalPoolingLayer.Builder(PoolingType.AVG)
                        .collapseDimensions(false)
                        .build()));
        for (ConvolutionMode mode : List.of(ConvolutionMode.Truncate, ConvolutionMode.Same)) {
            for (int stride = 1; stride <= 2; stride++) {
                cases.add(EngineCase.of(
                        "large kernel of channels that fill no block, stride " + stride + " " + mode,
                        MAPS,
                        new ConvolutionLayer.Builder(5, 4)
                                .nOut(20)
                                .stride(stride, stride)
                                .convolutionMode(mode)
                                .activation(Activation.RELU)
                                .build()));
            }
        }
        cases.add(EngineCase.of(
                "frozen convolution", MAPS, new FrozenLayer(convolution().build())));
        cases.add(EngineCase.of(
                "frozen batch normalization", MAPS, new FrozenLayer(new BatchNormalization.Builder().build())));
        cases.add(EngineCase.of(
                "batch normalization of large maps",
                InputType.convolutional(41, 37, 5),
                new BatchNormalization.Builder().build()));
        for (Activation activation : List.of(
                Activation.LEAKYRELU, Activation.ELU, Activation.RELU6, Activation.SOFTPLUS, Activation.SIGMOID)) {
            cases.add(EngineCase.of(
                    "convolution, " + activation,
                    MAPS,
                    convolution().activation(activation).build()));
            cases.add(EngineCase.of("activation " + activation, MAPS, new ActivationLayer(activation)));
            cases.add(EngineCase.of(
                    "dense, " + activation,
                    ROWS,
                    new DenseLayer.Builder().nOut(5).activation(activation).build()));
        }
        for (Activation activation :
                List.of(Activation.IDENTITY, Activation.RELU, Activation.TANH, Activation.SIGMOID)) {
            for (int outputs : new int[] {1, 2, 7, 300}) {
                cases.add(EngineCase.of(
                        "normalized dense, " + outputs + " " + activation,
                        ROWS,
                        normalized(outputs).activation(activation).build()));
            }
        }
        cases.add(EngineCase.of(
                "normalized dense without bias",
                MAPS,
                normalized(5).hasBias(false).build()));
        cases.add(EngineCase.of(
                "frozen normalized dense", ROWS, new FrozenLayer(normalized(5).build())));
        cases.add(EngineCase.of(
                "dense of maps",
                MAPS,
                new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build()));
        return cases.stream().map(layer -> Named.of(layer.toString(), layer));
    }

    /** Convolutions of many channels with few places, which are products of matrices. */
    private static Stream<Named<EngineCase>> ofFewPlaces() {
        List<EngineCase> cases = new ArrayList<>();
        for (int[] size : new int[][] {{6, 6}, {3, 3}, {5, 4}, {1, 3}}) {
            for (int[] kernel : new int[][] {{1, 1}, {3, 3}, {2, 1}, {1, 3}, {2, 2}}) {
                for (int[] stride : new int[][] {{1, 1}, {2, 2}, {3, 2}}) {
                    int dilation = kernel[1] > 1 && stride[1] == 2 && size[0] > 4 ? 2 : 1;
                    for (int padding = 0; padding < kernel[0]; padding++) {
                        if (size[0] + 2 * padding < (kernel[0] - 1) * dilation + 1
                                || size[1] + 2 * padding < (kernel[1] - 1) * dilation + 1) {
                            continue;
                        }
                        cases.add(EngineCase.of(
                                String.format(
                                        "%dx%d, kernel %dx%d, stride %dx%d, padding %d, dilation %d",
                                        size[0], size[1], kernel[0], kernel[1], stride[0], stride[1], padding,
                                        dilation),
                                InputType.convolutional(size[0], size[1], 66),
                                new ConvolutionLayer.Builder(kernel)
                                        .nOut(67)
                                        .stride(stride)
                                        .padding(padding, padding)
                                        .dilation(dilation, dilation)
                                        .activation(Activation.RELU)
                                        .build()));
                    }
                }
            }
        }
        return cases.stream().map(layer -> Named.of(layer.toString(), layer));
    }

    /** A vertex of 1x1 convolutions with so many outputs. */
    private static EngineCase ofBranches(String name, GraphVertex vertex, int... outputs) {
        return ofBranches(name, MAPS, vertex, outputs);
    }

    private static EngineCase ofBranches(String name, InputType maps, GraphVertex vertex, int... outputs) {
        return new EngineCase(
                name,
                maps,
                (builder, before, owner, neighbours) -> {
                    String[] branches = new String[outputs.length];
                    for (int i = 0; i < outputs.length; i++) {
                        branches[i] = "branch" + i;
                        builder.addLayer(branches[i], owner.neighbour(maps, outputs[i], neighbours), before);
                    }
                    builder.addVertex("layer", vertex.clone(), branches);
                },
                true);
    }

    @ParameterizedTest
    @MethodSource({"vertices", "ofFewPlaces"})
    void equalsDeeplearning4jsOwn(EngineCase layer) {
        for (int examples : new int[] {5, 1}) {
            EngineComparison.Outcome outcome = EngineComparison.of(layer, examples);
            assertThat(outcome.problems()).isEmpty();
            boolean frozen = layer.toString().startsWith("frozen"); // passes no error to a layer before it
            assertThat(outcome.refused()).hasSize(frozen ? 6 : 0);
        }
    }

    /** Layers whose input or output the engine reads in another shape, and those that run another layer's passes. */
    private static Stream<Named<EngineCase>> reshaped() {
        List<EngineCase> cases = new ArrayList<>();
        cases.add(convolutionOfRows());
        for (RNNFormat format : RNNFormat.values()) {
            cases.add(new EngineCase(
                    "recurrent behind dense of steps " + format,
                    InputType.recurrent(5, 4, format),
                    (builder, before, owner, neighbours) -> builder.addLayer(
                                    "dense",
                                    new DenseLayer.Builder()
                                            .nOut(6)
                                            .activation(Activation.RELU)
                                            .build(),
                                    before)
                            .addLayer("layer", new LastTimeStep(rnn(format)), "dense"),
                    true));
        }
        for (SubsamplingLayer.PoolingType kind :
                List.of(SubsamplingLayer.PoolingType.MAX, SubsamplingLayer.PoolingType.AVG)) {
            cases.add(EngineCase.of(
                    kind + " pooling of steps", STEPS, new Subsampling1DLayer.Builder(kind, 3, 2).build()));
            cases.add(EngineCase.of(
                    kind + " pooling of steps in same mode",
                    InputType.recurrent(16, 11),
                    new Subsampling1DLayer.Builder(kind, 3, 2)
                            .convolutionMode(ConvolutionMode.Same)
                            .build()));
        }
        cases.add(behindRecurrent());
        cases.add(EngineCase.of(
                "dense of maps with channels last",
                CHANNELS_LAST,
                new DenseLayer.Builder().nOut(5).activation(Activation.RELU).build()));
        cases.add(
                EngineCase.of("global pooling, channels last", CHANNELS_LAST, new GlobalPoolingLayer(PoolingType.MAX)));
        cases.add(EngineCase.of("activation, channels last", CHANNELS_LAST, new ActivationLayer(Activation.TANH)));
        cases.add(EngineCase.of(
                "frozen normalization, channels last",
                CHANNELS_LAST,
                new FrozenLayer(new BatchNormalization.Builder()
                        .dataFormat(CNN2DFormat.NHWC)
                        .build())));
        cases.add(ofBranches("merged, channels last", CHANNELS_LAST, new MergeVertex(), 16, 5));
        cases.add(
                ofBranches("sum, channels last", CHANNELS_LAST, new ElementWiseVertex(ElementWiseVertex.Op.Add), 5, 5));
        for (int channels : new int[] {5, 16}) {
            for (CNN2DFormat format : CNN2DFormat.values()) {
                cases.add(EngineCase.of(
                        "upsampling of " + channels + " " + format,
                        InputType.convolutional(4, 3, channels, format),
                        new Upsampling2D.Builder(2)
                                .size(new int[] {2, 3})
                                .dataFormat(format)
                                .build()));
                cases.add(EngineCase.of(
                        "zeros around " + channels + " " + format,
                        InputType.convolutional(4, 3, channels, format),
                        new ZeroPaddingLayer.Builder(1, 0, 2, 3)
                                .dataFormat(format)
                                .build()));
                cases.add(EngineCase.of(
                        "cropping of " + channels + " " + format,
                        InputType.convolutional(6, 7, channels, format),
                        new Cropping2D.Builder(1, 0, 2, 3).dataFormat(format).build()));
            }
        }
        return cases.stream().map(layer -> Named.of(layer.toString(), layer));
    }

    private static EngineCase behindRecurrent() {
        return new EngineCase(
                "convolution behind a recurrent layer",
                STEPS,
                (builder, before, owner, neighbours) -> builder.addLayer("first", rnn(RNNFormat.NCW), before)
                        .addLayer("layer", ofSteps().build(), "first"),
                true);
    }

    private static SimpleRnn rnn(RNNFormat format) {
        return new SimpleRnn.Builder().nOut(3).dataFormat(format).build();
    }

    @ParameterizedTest
    @MethodSource("reshaped")
    void runsWhatIsSeenInAnotherShape(EngineCase layer) {
        for (int examples : new int[] {5, 1}) {
            EngineComparison.Outcome outcome = EngineComparison.of(layer, examples);
            assertThat(outcome.problems()).isEmpty();
            boolean frozen = layer.toString().startsWith("frozen"); // passes no error to a layer before it
            assertThat(outcome.refused()).hasSize(frozen ? 6 : 0);
            assertThat(outcome.taken()).isPositive();
        }
        assertThat(taken(layer, DataType.FLOAT)).contains("before", "layer", "after");
    }

    /** Without types of input, since Deeplearning4j takes what comes of sequences for a sequence. */
    private static ComputationGraph pooledSequences(PoolingType kind, Layer before) {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.FLOAT)
                .graphBuilder()
                .addInputs("in")
                .addLayer("before", before.clone(), "in")
                .addLayer("layer", new GlobalPoolingLayer(kind), "before")
                .addLayer("after", new DenseLayer.Builder().nIn(4).nOut(2).build(), "layer")
                .addLayer(
                        "loss",
                        new LossLayer.Builder(LossFunctions.LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "after")
                .setOutputs("loss")
                .build());
        graph.init();
        return graph;
    }

    @Test
    void globalPoolingOfSequences() {
        for (Layer before : List.of(
                ofSteps().nIn(5).build(), new SimpleRnn.Builder().nIn(5).nOut(4).build())) {
            for (PoolingType kind : List.of(PoolingType.MAX, PoolingType.AVG, PoolingType.SUM, PoolingType.PNORM)) {
                for (boolean isNumber : new boolean[] {true, false}) {
                    ComputationGraph graph = pooledSequences(kind, before);
                    INDArray features = EngineCase.values(DataType.FLOAT, 3, 6, 5, 11);
                    if (!isNumber) {
                        features.putScalar(77, Double.NaN);
                    }
                    MicroBatch batch = MicroBatch.whole(
                            new INDArray[] {features},
                            new INDArray[] {EngineCase.values(DataType.FLOAT, 4, 6, 2)},
                            null,
                            null);
                    try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                            CopyPasses engine = new CopyPasses(graph, FAST, true)) {
                        Results expected = stock.train(batch.copy(), Way.USUAL, 0);
                        Results actual = engine.train(batch.copy(), Way.SPLIT, 0);
                        String name = before + " " + kind + " " + isNumber;
                        assertThat(actual.blocked().contains("layer"))
                                .as(name)
                                .isEqualTo(isNumber && kind != PoolingType.PNORM);
                        if (isNumber) {
                            SameResult.assertSame(actual.activations(), expected.activations(), 2e-5);
                            SameResult.assertSame(actual.errors(), expected.errors(), 2e-5);
                            SameResult.assertSame(actual.gradients(), expected.gradients(), 2e-5);
                        } else {
                            assertNotANumberAlike(name, actual.activations(), expected.activations());
                        }
                    }
                }
            }
        }
    }

    /** The first of several largest inputs has the error. */
    @Test
    void poolingOfEqualValues() {
        for (Layer pooling :
                List.of(pooling(SubsamplingLayer.PoolingType.MAX), new GlobalPoolingLayer(PoolingType.MAX))) {
            EngineCase layer = new EngineCase(
                    "ties",
                    InputType.convolutional(8, 6, 8),
                    (builder, before, owner, neighbours) -> builder.addLayer(
                                    "relu", new ActivationLayer(Activation.RELU), before)
                            .addLayer("layer", pooling.clone(), "relu"),
                    true);
            EngineComparison.Outcome outcome = EngineComparison.of(layer, 7);
            assertThat(outcome.problems()).isEmpty();
            assertThat(outcome.refused()).isEmpty();
            assertThat(outcome.taken()).isPositive();
        }
    }

    @Test
    void gradientsAreThoseOfThePlainGraph() {
        EngineCase layer = EngineCase.of("convolution", MAPS, convolution().build());
        ComputationGraph graph = layer.graph(DataType.FLOAT, Neighbours.OF_ENGINE);
        MicroBatch batch = layer.batch(graph, 5, 11);
        try (CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            Results results = engine.train(batch, Way.USUAL, 0);
            assertThat(results.blocked()).containsExactlyInAnyOrder("before", "layer", "after");
            MultiDataSet data = new MultiDataSet(batch.features(), batch.labels());
            SameResult.gradient(graph, data).forEach((name, gradient) -> {
                INDArray actual = results.gradients().get(name).reshape(gradient.shape());
                assertThat(SameResult.difference(actual, gradient.dup('c')))
                        .as(name)
                        .isLessThan(2e-5);
            });
        }
    }

    @Test
    void theErrorForAWrongInputIsDeeplearning4jsOwn() {
        EngineCase maps = EngineCase.of("convolution", MAPS, convolution().build());
        EngineCase rows =
                EngineCase.of("dense", ROWS, new DenseLayer.Builder().nOut(4).build());
        for (EngineCase layer : List.of(maps, rows)) {
            ComputationGraph graph = layer.graph(DataType.FLOAT, Neighbours.NONE);
            MicroBatch batch = layer.batch(graph, 3, 11);
            long[] shape = batch.features()[0].shape().clone();
            shape[1]++;
            INDArray wrong = EngineCase.values(DataType.FLOAT, 3, shape);
            MicroBatch other = MicroBatch.whole(new INDArray[] {wrong}, batch.labels(), null, null);
            try (CopyPasses stock = new CopyPasses(graph, FAST, false);
                    CopyPasses engine = new CopyPasses(graph, FAST, true)) {
                Throwable expected = catchThrowable(() -> stock.train(other, Way.USUAL, 0));
                assertThat(expected).isNotNull();
                assertThatThrownBy(() -> engine.train(other, Way.USUAL, 0))
                        .isInstanceOf(expected.getClass())
                        .hasMessage(expected.getMessage());
                engine.close();
                assertThat(engine.train(batch, Way.USUAL, 0).blocked()).contains("layer");
            }
        }
    }

    @Test
    void aMaskedLayerIsRunByDeeplearning4j() {
        EngineCase layer =
                EngineCase.of("dense", ROWS, new DenseLayer.Builder().nOut(4).build());
        ComputationGraph graph = layer.graph(DataType.FLOAT, Neighbours.OTHERS);
        MicroBatch batch = layer.batch(graph, 3, 11);
        MicroBatch masked = new MicroBatch(
                batch.features(),
                batch.labels(),
                new INDArray[] {Nd4j.createFromArray(1f, 0f, 1f).reshape(3, 1)},
                null,
                0,
                3,
                null);
        try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            Results expected = stock.train(masked.copy(), Way.USUAL, 0);
            Results actual = engine.train(masked.copy(), Way.SPLIT, 0);
            assertThat(actual.blocked()).doesNotContain("layer");
            SameResult.assertSame(actual.gradients(), expected.gradients(), 2e-5);
            assertThat(engine.train(batch.copy(), Way.USUAL, 0).blocked()).contains("layer");
        }
    }

    @Test
    void whatHasNoiseOrAnotherTypeIsLeft() {
        assertThat(taken(EngineCase.of("", MAPS, convolution().build()), DataType.FLOAT))
                .contains("layer");
        assertThat(taken(EngineCase.of("", MAPS, convolution().build()), DataType.DOUBLE))
                .isEmpty();
        Layer dropout = convolution().dropOut(new Dropout(0.5)).build();
        assertThat(taken(EngineCase.of("", MAPS, dropout), DataType.FLOAT)).doesNotContain("layer");
        Layer noise = convolution().weightNoise(new DropConnect(0.5)).build();
        assertThat(taken(EngineCase.of("", MAPS, noise), DataType.FLOAT)).doesNotContain("layer");
        Layer cube = convolution().activation(Activation.CUBE).build();
        assertThat(taken(EngineCase.of("", MAPS, cube), DataType.FLOAT)).doesNotContain("layer");
    }

    private static Set<String> taken(EngineCase layer, DataType type) {
        return EngineLayers.vertices(layer.graph(type, Neighbours.OF_ENGINE), FAST);
    }

    /** Primitives, arrays and workspaces are there once, whatever the number of steps and of copies made and freed. */
    @Test
    void memoryDoesNotGrow() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT, settings -> settings));
        INDArray[] features = {Nd4j.rand(DataType.FLOAT, 4, 1, 14, 14)};
        INDArray[] labels = {Nd4j.eye(4).castTo(DataType.FLOAT)};
        MicroBatch batch = MicroBatch.whole(features, labels, null, null);
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) { // the first ones warm up the process
            long before = Pointer.physicalBytes();
            steps(graph, batch, 20);
            System.gc(); // descriptions of primitives are freed with their objects
            least = Math.min(least, Pointer.physicalBytes() - before);
        }
        assertThat(least).isLessThan(4L << 20);
    }

    private static void steps(ComputationGraph graph, MicroBatch batch, int copies) {
        for (int i = 0; i < copies; i++) {
            try (CopyPasses engine = new CopyPasses(graph, FAST, true)) {
                for (int step = 0; step < 5; step++) {
                    engine.train(batch, step % 2 == 0 ? Way.USUAL : Way.SPLIT, 0);
                }
            }
        }
    }
}
