package io.github.dl4jpipeline.internal.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Every faster layer beside the one of Deeplearning4j that it replaces: activations, errors, parameter gradients. */
class FastLayersTest {
    private static final List<Integer> NCHW = List.of(3, 5, 9, 7);
    private static final List<Integer> NHWC = List.of(3, 9, 7, 5);
    private static final List<Integer> ROWS = List.of(4, 6);

    private static final KernelChoice FAST = KernelChoice.all(Kernels.FAST);

    private record Case(org.deeplearning4j.nn.conf.layers.Layer layer, List<Integer> shape, InputType input) {}

    private static Stream<Named<Case>> layers() {
        List<Named<Case>> cases = new ArrayList<>();
        cases.add(image("3x3", conv(3, 3)));
        cases.add(image("1x1", conv(1, 1)));
        cases.add(image("2x3", conv(2, 3)));
        cases.add(image("stride 2", conv(3, 3).stride(2, 2)));
        cases.add(image("stride 2x1, padding 1x2", conv(3, 3).stride(2, 1).padding(1, 2)));
        cases.add(image("same", conv(3, 3).convolutionMode(ConvolutionMode.Same)));
        cases.add(image("same, even kernel", conv(2, 4).convolutionMode(ConvolutionMode.Same)));
        cases.add(image("same, stride 2", conv(3, 3).stride(2, 2).convolutionMode(ConvolutionMode.Same)));
        cases.add(image("truncate", conv(4, 4).stride(3, 3).convolutionMode(ConvolutionMode.Truncate)));
        cases.add(image("strict", conv(3, 3).stride(2, 2).convolutionMode(ConvolutionMode.Strict)));
        cases.add(image("no bias", conv(3, 3).hasBias(false)));
        for (Activation activation : List.of(
                Activation.IDENTITY,
                Activation.TANH,
                Activation.SIGMOID,
                Activation.LEAKYRELU,
                Activation.ELU,
                Activation.RELU6)) {
            cases.add(image("convolution, " + activation, conv(3, 3).activation(activation)));
            cases.add(rows(
                    "dense, " + activation, new DenseLayer.Builder().nOut(5).activation(activation)));
        }
        cases.add(image("ReLU with slope", conv(3, 3).activation(new ActivationReLU(2.0, 0.0, 0.1))));
        cases.add(channelsLast("NHWC", conv(3, 3).dataFormat(CNN2DFormat.NHWC)));
        cases.add(channelsLast(
                "NHWC, same, stride 2",
                conv(3, 3).stride(2, 2).convolutionMode(ConvolutionMode.Same).dataFormat(CNN2DFormat.NHWC)));
        for (ConvolutionMode mode : List.of(ConvolutionMode.Truncate, ConvolutionMode.Same)) {
            for (CNN2DFormat format : CNN2DFormat.values()) {
                String of = ", " + mode + ", " + format;
                cases.add(maps(format, "separable" + of, separable().convolutionMode(mode)));
                cases.add(maps(
                        format,
                        "separable, stride 2, 2 outputs of each" + of,
                        separable().depthMultiplier(2).stride(2, 2).convolutionMode(mode)));
                cases.add(maps(format, "depthwise" + of, depthwise().convolutionMode(mode)));
                cases.add(maps(
                        format,
                        "depthwise, no activation" + of,
                        depthwise().activation(Activation.IDENTITY).convolutionMode(mode)));
                cases.add(maps(
                        format,
                        "depthwise, stride 2x1, 2 outputs of each" + of,
                        depthwise().depthMultiplier(2).stride(2, 1).convolutionMode(mode)));
            }
            String of = ", " + mode;
            cases.add(image("deconvolution" + of, deconvolution().convolutionMode(mode)));
            cases.add(image(
                    "deconvolution, stride 2" + of, deconvolution().stride(2, 2).convolutionMode(mode)));
            cases.add(image(
                    "deconvolution, as large as its stride" + of,
                    deconvolution().kernelSize(2, 2).stride(2, 2).convolutionMode(mode)));
        }
        for (Activation activation : List.of(Activation.IDENTITY, Activation.TANH, Activation.LEAKYRELU)) {
            cases.add(image("separable, " + activation, separable().activation(activation)));
            cases.add(image("depthwise, " + activation, depthwise().activation(activation)));
            cases.add(image("deconvolution, " + activation, deconvolution().activation(activation)));
            cases.add(series("1D, " + activation, conv1D().activation(activation)));
        }
        cases.add(image("separable, padding", separable().padding(1, 2)));
        cases.add(image("separable, no bias", separable().hasBias(false)));
        cases.add(image("depthwise, padding", depthwise().padding(1, 2)));
        cases.add(image("depthwise, no bias", depthwise().hasBias(false)));
        cases.add(image("deconvolution, padding", deconvolution().padding(1, 2)));
        cases.add(image("deconvolution, no bias", deconvolution().hasBias(false)));
        for (ConvolutionMode mode : List.of(ConvolutionMode.Truncate, ConvolutionMode.Same, ConvolutionMode.Causal)) {
            cases.add(series("1D, " + mode, conv1D().convolutionMode(mode)));
            cases.add(series("1D, stride 2, " + mode, conv1D().stride(2).convolutionMode(mode)));
        }
        cases.add(series(
                "1D, strict, with a rest", conv1D().kernelSize(4).stride(2).convolutionMode(ConvolutionMode.Strict)));
        cases.add(square("separable", separable(), 3, 5, 16));
        cases.add(square("separable", separable(), 3, 5, 36));
        cases.add(series("1D, padding", conv1D().padding(1)));
        cases.add(series("1D, no bias", conv1D().hasBias(false)));
        cases.add(rows("dense", new DenseLayer.Builder().nOut(5).activation(Activation.RELU)));
        cases.add(Named.of(
                "dense with many examples",
                new Case(
                        new DenseLayer.Builder()
                                .nOut(65)
                                .activation(Activation.TANH)
                                .build(),
                        List.of(33, 70),
                        InputType.feedForward(70))));
        cases.add(rows("dense without bias", new DenseLayer.Builder().nOut(5).hasBias(false)));
        cases.add(image("activation", new ActivationLayer.Builder().activation(Activation.RELU)));
        cases.add(rows("activation of rows", new ActivationLayer.Builder().activation(Activation.TANH)));
        cases.add(rows("identity", new ActivationLayer.Builder().activation(Activation.IDENTITY)));
        cases.add(image("pooling", pool()));
        cases.add(image("pooling, same", pool().convolutionMode(ConvolutionMode.Same)));
        cases.add(even("pooling of even sizes", pool()));
        cases.add(even("pooling of even sizes, same", pool().convolutionMode(ConvolutionMode.Same)));
        cases.add(image("batch norm", new BatchNormalization.Builder()));
        cases.add(image("batch norm, variance", new BatchNormalization.Builder().useLogStd(false)));
        cases.add(large("batch norm, rows of maps in two blocks", 3, 5, 41));
        cases.add(large("batch norm, maps larger than a block", 1, 2, 80));
        cases.add(rows("batch norm of rows", new BatchNormalization.Builder().decay(0.8)));
        cases.add(channelsLast("batch norm NHWC", new BatchNormalization.Builder().dataFormat(CNN2DFormat.NHWC)));
        cases.add(image("LRN", new LocalResponseNormalization.Builder()));
        cases.add(image("LRN, wide", new LocalResponseNormalization.Builder(2, 3, 0.5, 0.6)));
        return cases.stream();
    }

    private static ConvolutionLayer.Builder conv(int height, int width) {
        return new ConvolutionLayer.Builder(height, width).nOut(4).activation(Activation.RELU);
    }

    private static SeparableConvolution2D.Builder separable() {
        return new SeparableConvolution2D.Builder(3, 3).nOut(4).activation(Activation.RELU);
    }

    private static DepthwiseConvolution2D.Builder depthwise() {
        return new DepthwiseConvolution2D.Builder(3, 3).nOut(5).activation(Activation.RELU);
    }

    private static Deconvolution2D.Builder deconvolution() {
        return new Deconvolution2D.Builder().kernelSize(3, 3).nOut(4).activation(Activation.RELU);
    }

    private static Convolution1DLayer.Builder conv1D() {
        return new Convolution1DLayer.Builder(3, 1).nOut(4).activation(Activation.RELU);
    }

    private static SubsamplingLayer.Builder pool() {
        return new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2);
    }

    private static Named<Case> even(String name, SubsamplingLayer.Builder pooling) {
        InputType input = InputType.convolutional(8, 6, 5, CNN2DFormat.NCHW);
        return Named.of(name, new Case(pooling.build(), List.of(3, 5, 8, 6), input));
    }

    private static Named<Case> image(String name, org.deeplearning4j.nn.conf.layers.Layer.Builder<?> builder) {
        return Named.of(name, new Case(builder.build(), NCHW, InputType.convolutional(9, 7, 5, CNN2DFormat.NCHW)));
    }

    private static Named<Case> large(String name, int examples, int channels, int side) {
        InputType input = InputType.convolutional(side, side, channels, CNN2DFormat.NCHW);
        List<Integer> shape = List.of(examples, channels, side, side);
        return Named.of(name, new Case(new BatchNormalization.Builder().build(), shape, input));
    }

    private static Named<Case> channelsLast(String name, org.deeplearning4j.nn.conf.layers.Layer.Builder<?> builder) {
        return Named.of(name, new Case(builder.build(), NHWC, InputType.convolutional(9, 7, 5, CNN2DFormat.NHWC)));
    }

    private static Named<Case> maps(CNN2DFormat format, String name, ConvolutionLayer.BaseConvBuilder<?> builder) {
        Named<Case> named = format == CNN2DFormat.NCHW ? image(name, builder) : channelsLast(name, builder);
        ((ConvolutionLayer) named.getPayload().layer()).setCnn2dDataFormat(format);
        return named;
    }

    private static Named<Case> series(String name, Convolution1DLayer.Builder builder) {
        return Named.of(name, new Case(builder.build(), List.of(3, 5, 11), InputType.recurrent(5, 11)));
    }

    private static Named<Case> rows(String name, org.deeplearning4j.nn.conf.layers.Layer.Builder<?> builder) {
        return Named.of(name, new Case(builder.build(), ROWS, InputType.feedForward(6)));
    }

    @ParameterizedTest
    @MethodSource("layers")
    void equalsInDouble(Case layer) {
        compare(layer, DataType.DOUBLE, 1e-10);
    }

    /** For floats the native operations that Deeplearning4j takes refuse these, where oneDNN is compiled in. */
    private static Stream<Named<Case>> dilated() {
        return Stream.of(ConvolutionMode.Truncate, ConvolutionMode.Same, ConvolutionMode.Causal)
                .flatMap(mode -> {
                    Named<Case> series =
                            series("1D, " + mode, conv1D().dilation(2).convolutionMode(mode));
                    return mode == ConvolutionMode.Causal
                            ? Stream.of(series)
                            : Stream.of(
                                    series,
                                    image(
                                            "deconvolution, " + mode,
                                            deconvolution().dilation(2, 1).convolutionMode(mode)),
                                    image(
                                            "depthwise, " + mode,
                                            depthwise().dilation(2, 1).convolutionMode(mode)));
                });
    }

    @ParameterizedTest
    @MethodSource("dilated")
    void dilatedEqualsInDouble(Case layer) {
        compare(layer, DataType.DOUBLE, 1e-10);
    }

    /** As of a batch whose channels have been put last, or first, without a copy. */
    @ParameterizedTest
    @MethodSource("convolutionsOfMaps")
    void inputsAndErrorsMayBeViews(Case layer) {
        ComputationGraph stock = graph(layer, DataType.FLOAT);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        Layer fastLayer = fast.getLayer("layer");
        Passes expected = passes(fastLayer, layer.shape(), DataType.FLOAT, 9);
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        fastLayer.setInput(permutedView(input(layer.shape(), DataType.FLOAT)), workspaces);
        INDArray activation = fastLayer.activate(true, workspaces);
        INDArray error = Nd4j.randn(DataType.FLOAT, activation.shape());
        bindGradients(fastLayer, 9, DataType.FLOAT);
        Pair<Gradient, INDArray> result = fastLayer.backpropGradient(permutedView(error), workspaces);
        assertThat(SameResult.difference(activation, expected.activation())).isLessThanOrEqualTo(1e-5);
        assertThat(SameResult.difference(result.getSecond(), expected.error())).isLessThanOrEqualTo(1e-5);
        SameResult.assertSame(copies(result.getFirst()), expected.gradients(), 1e-5);
    }

    /** The same values, with the last dimension's elements apart in memory. */
    private static INDArray permutedView(INDArray array) {
        return array.permute(0, 2, 3, 1).dup('c').permute(0, 3, 1, 2);
    }

    private static Stream<Named<Case>> convolutionsOfMaps() {
        return layers().filter(layer -> layer.getPayload().layer() instanceof ConvolutionLayer
                && !(layer.getPayload().layer() instanceof Convolution1DLayer));
    }

    /** Deeplearning4j masks the activations, and not the error, so that the derivative is that of all steps. */
    @ParameterizedTest
    @EnumSource(
            value = Activation.class,
            names = {"RELU", "TANH", "IDENTITY"})
    void maskedSeries(Activation activation) {
        Case layer =
                series("masked", conv1D().padding(1).activation(activation)).getPayload();
        ComputationGraph stock = graph(layer, DataType.FLOAT);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        Passes expected = maskedPasses(stock.getLayer("layer"));
        Passes actual = maskedPasses(fast.getLayer("layer"));
        assertThat(expected.activation().getDouble(0, 0, 10)).isZero();
        assertThat(SameResult.difference(actual.activation(), expected.activation()))
                .isLessThanOrEqualTo(1e-5);
        assertThat(SameResult.difference(actual.error(), expected.error())).isLessThanOrEqualTo(1e-5);
        SameResult.assertSame(actual.gradients(), expected.gradients(), 1e-5);
    }

    private static Passes maskedPasses(Layer layer) {
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(input(List.of(3, 5, 11), DataType.FLOAT), workspaces);
        INDArray mask = Nd4j.ones(DataType.FLOAT, 3, 11);
        mask.putScalar(0, 9, 0).putScalar(0, 10, 0).putScalar(2, 10, 0);
        layer.setMaskArray(mask);
        INDArray activation = layer.activate(true, workspaces).dup('c');
        bindGradients(layer, 9, DataType.FLOAT);
        Pair<Gradient, INDArray> result =
                layer.backpropGradient(Nd4j.randn(DataType.FLOAT, activation.shape()), workspaces);
        return new Passes(activation, activation, result.getSecond(), copies(result.getFirst()));
    }

    @Test
    void someLayersAreLeftAlone() {
        for (Case layer : List.of(
                image("dilated", separable().dilation(2, 2)).getPayload(),
                image("smaller than its stride", separable().stride(4, 3)).getPayload(),
                new Case(
                        conv1D().rnnDataFormat(RNNFormat.NWC).build(),
                        List.of(3, 11, 5),
                        InputType.recurrent(5, 11, RNNFormat.NWC)))) {
            ComputationGraph graph = graph(layer, DataType.FLOAT);
            Layer stock = graph.getLayer("layer");
            FastLayers.replaceIn(graph, KernelChoice.all(Kernels.FAST));
            assertThat(graph.getLayer("layer")).isSameAs(stock);
        }
    }

    @ParameterizedTest
    @MethodSource("layers")
    void equalsInFloat(Case layer) {
        compare(layer, DataType.FLOAT, 1e-5);
    }

    private record Passes(INDArray inference, INDArray activation, INDArray error, Map<String, INDArray> gradients) {}

    private static Stream<Named<Case>> otherConvolutions() {
        return Stream.concat(
                layers().filter(layer -> layer.getPayload().layer() instanceof ConvolutionLayer convolution
                        && convolution.getClass() == ConvolutionLayer.class
                        && convolution.getCnn2dDataFormat() == CNN2DFormat.NCHW),
                Stream.of(
                        image("1x1, stride 2", conv(1, 1).stride(2, 2)),
                        image("1x1, padding", conv(1, 1).padding(1, 1)),
                        square("one output, border left over", conv(3, 3).stride(2, 2), 3, 5, 4),
                        square("one output of 5x5, border left over", conv(5, 5).stride(3, 3), 3, 5, 7),
                        square("1x1", conv(1, 1), 3, 5, 12),
                        square("1x1", conv(1, 1), 3, 5, 33),
                        square("1x1, no bias", conv(1, 1).hasBias(false), 3, 5, 33),
                        image("as large as the input", conv(9, 7))));
    }

    @ParameterizedTest
    @MethodSource("otherConvolutions")
    void otherConvolutionsEqualInDouble(Case layer) {
        compare(layer, DataType.DOUBLE, 1e-10, FAST);
    }

    @ParameterizedTest
    @MethodSource("otherConvolutions")
    void otherConvolutionsEqualInFloat(Case layer) {
        compare(layer, DataType.FLOAT, 1e-5, FAST);
    }

    private static Named<Case> square(
            String name, ConvolutionLayer.BaseConvBuilder<?> convolution, int examples, int channels, int side) {
        return rectangle(name, convolution, examples, channels, side, side);
    }

    private static Named<Case> rectangle(
            String name,
            ConvolutionLayer.BaseConvBuilder<?> convolution,
            int examples,
            int channels,
            int height,
            int width) {
        InputType input = InputType.convolutional(height, width, channels, CNN2DFormat.NCHW);
        return Named.of(
                name + ", " + examples + " examples",
                new Case(convolution.build(), List.of(examples, channels, height, width), input));
    }

    private static Stream<Named<Case>> preciseLayers() {
        return layers().filter(layer -> !isLeftAloneByPrecise(layer.getPayload().layer()));
    }

    /** A convolution 3x3, which ND4J's operation may run with Winograd's algorithm. */
    private static boolean isLeftAloneByPrecise(org.deeplearning4j.nn.conf.layers.Layer layer) {
        return layer.getClass() == ConvolutionLayer.class
                && new ConvolutionGeometry((ConvolutionLayer) layer, ConvolutionMode.Truncate).isWinogradCandidate();
    }

    @ParameterizedTest
    @MethodSource("preciseLayers")
    void preciseEqualsInFloat(Case layer) {
        compare(layer, DataType.FLOAT, 1e-5, KernelChoice.all(Kernels.PRECISE));
    }

    /** Which Deeplearning4j's own layers do not use either. */
    @Test
    void preciseIsWithoutWinograd() {
        Case layer = square("3x3", conv(3, 3), 16, 3, 9).getPayload();
        Case other = square("3x3, stride 2", conv(3, 3).stride(2, 2), 16, 3, 9).getPayload();
        assertThat(isReplaced(layer, DataType.FLOAT, Kernels.FAST)).isTrue();
        assertThat(isReplaced(layer, DataType.FLOAT, Kernels.PRECISE)).isFalse();
        assertThat(isReplaced(layer, DataType.DOUBLE, Kernels.PRECISE)).isTrue();
        assertThat(isReplaced(other, DataType.FLOAT, Kernels.PRECISE)).isTrue();
    }

    private static boolean isReplaced(Case layer, DataType type, Kernels kernels) {
        ComputationGraph graph = graph(layer, type);
        FastLayers.replaceIn(graph, KernelChoice.all(kernels));
        return graph.getLayer("layer") instanceof FastConvolution;
    }

    private static void compare(Case layer, DataType type, double tolerance) {
        compare(layer, type, tolerance, KernelChoice.all(Kernels.FAST));
    }

    private static void compare(Case layer, DataType type, double tolerance, KernelChoice code) {
        ComputationGraph stock = graph(layer, type);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, code);
        assertThat(fast.getLayer("layer").getClass())
                .isNotEqualTo(stock.getLayer("layer").getClass());
        assertThat(fast.getVertex("layer").getLayer()).isSameAs(fast.getLayers()[0]);

        Passes expected = passes(stock.getLayer("layer"), layer.shape(), type, 9);
        Passes actual = passes(fast.getLayer("layer"), layer.shape(), type, 9);
        assertThat(SameResult.difference(actual.inference(), expected.inference()))
                .as("inference")
                .isLessThanOrEqualTo(tolerance);
        assertThat(SameResult.difference(actual.activation(), expected.activation()))
                .as("activation")
                .isLessThanOrEqualTo(tolerance);
        assertThat(SameResult.difference(actual.error(), expected.error()))
                .as("error")
                .isLessThanOrEqualTo(tolerance);
        SameResult.assertSame(actual.gradients(), expected.gradients(), tolerance);
        if (fast.getLayer("layer") instanceof GradientAlone) {
            Map<String, INDArray> alone = gradientsAlone(fast.getLayer("layer"), layer.shape(), type);
            SameResult.assertSame(alone, expected.gradients(), tolerance);
        }
        if (fast.getLayer("layer") instanceof PostponesGradient) {
            comparePostponed(fast.getLayer("layer"), layer.shape(), type, expected, tolerance);
        }
    }

    /** The input error first, and the gradients after it, where the layer can. */
    private static void comparePostponed(
            Layer layer, List<Integer> shape, DataType type, Passes expected, double tolerance) {
        ((PostponesGradient) layer).postponeGradient(true);
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(input(shape, type), workspaces);
        INDArray activation = layer.activate(true, workspaces);
        bindGradients(layer, 9, type);
        Pair<Gradient, INDArray> errors = layer.backpropGradient(Nd4j.randn(type, activation.shape()), workspaces);
        Map<String, INDArray> gradients = copies(errors.getFirst());
        Gradient postponed = ((PostponesGradient) layer).postponedGradient(workspaces);
        if (postponed != null) {
            assertThat(gradients).isEmpty();
            gradients = copies(postponed);
            assertThat(((PostponesGradient) layer).postponedGradient(workspaces))
                    .isNull();
        }
        assertThat(SameResult.difference(errors.getSecond(), expected.error())).isLessThanOrEqualTo(tolerance);
        SameResult.assertSame(gradients, expected.gradients(), tolerance);
        layer.clear();
        ((PostponesGradient) layer).postponeGradient(false);
    }

    private static ComputationGraph graph(Case layer, DataType type) {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(layer.input())
                .addLayer("layer", layer.layer(), "in")
                .addLayer("out", new LossLayer.Builder().build(), "layer")
                .setOutputs("out")
                .validateOutputLayerConfig(false)
                .build());
        graph.init();
        if (graph.numParams() > 0) {
            Nd4j.getRandom().setSeed(3);
            graph.params()
                    .addi(Nd4j.rand(type, graph.params().shape()).subi(0.5).muli(0.2));
        }
        return graph;
    }

    /** @param found what the gradient array holds before */
    private static Passes passes(Layer layer, List<Integer> shape, DataType type, double found) {
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        INDArray input = input(shape, type);
        layer.setInput(input.dup('c'), workspaces);
        INDArray inference = layer.activate(false, workspaces).dup('c');
        layer.clear();
        layer.setInput(input, workspaces);
        INDArray activation = layer.activate(true, workspaces);
        INDArray error = Nd4j.randn(type, activation.shape());
        INDArray kept = activation.dup('c');
        bindGradients(layer, found, type);
        Pair<Gradient, INDArray> result = layer.backpropGradient(error, workspaces);
        Map<String, INDArray> gradients = copies(result.getFirst());
        INDArray inputError = result.getSecond().dup('c');
        layer.clear();
        return new Passes(inference, kept, inputError, gradients);
    }

    private static Map<String, INDArray> gradientsAlone(Layer layer, List<Integer> shape, DataType type) {
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(input(shape, type), workspaces);
        INDArray activation = layer.activate(true, workspaces);
        bindGradients(layer, 9, type);
        INDArray error = Nd4j.randn(type, activation.shape());
        Map<String, INDArray> gradients = copies(((GradientAlone) layer).gradient(error, workspaces));
        layer.clear();
        return gradients;
    }

    private static INDArray input(List<Integer> shape, DataType type) {
        Nd4j.getRandom().setSeed(5);
        return Nd4j.randn(type, shape.stream().mapToLong(size -> size).toArray());
    }

    private static void bindGradients(Layer layer, double found, DataType type) {
        if (layer.numParams() > 0) {
            layer.setBackpropGradientsViewArray(Nd4j.valueArrayOf(new long[] {1, layer.numParams()}, found, type));
        }
    }

    private static Map<String, INDArray> copies(Gradient gradient) {
        Map<String, INDArray> copies = new LinkedHashMap<>();
        gradient.gradientForVariable().forEach((name, array) -> copies.put(name, array.dup()));
        return copies;
    }

    /** The first of several largest inputs has the error, also if they are zeros of different signs. */
    @Test
    void poolingOfEqualValues() {
        Case layer = even("ties", pool()).getPayload();
        ComputationGraph stock = graph(layer, DataType.FLOAT);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        Random random = new Random(1);
        float[] values = {-1, -0.0f, 0, Float.MIN_VALUE, 1, Float.POSITIVE_INFINITY};
        INDArray input = Nd4j.create(DataType.FLOAT, 40, 5, 8, 6);
        for (int i = 0; i < input.length(); i++) {
            input.putScalar(i, values[random.nextInt(values.length)]);
        }
        INDArray error = Nd4j.rand(DataType.FLOAT, 40, 5, 4, 3);
        assertThat(poolingError(fast.getLayer("layer"), input, error))
                .isEqualTo(poolingError(stock.getLayer("layer"), input, error));
    }

    /** Where one size has a window, another with as many elements has a column that is in none. */
    @Test
    void poolingOfChangingSizes() {
        ComputationGraph stock = graph(even("sizes", pool()).getPayload(), DataType.FLOAT);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        for (int height : new int[] {5, 4, 10, 5}) {
            INDArray input = Nd4j.rand(DataType.FLOAT, 3, 2, height, 20 / height);
            INDArray error = Nd4j.rand(DataType.FLOAT, 3, 2, height / 2, 20 / height / 2);
            assertThat(poolingError(fast.getLayer("layer"), input, error))
                    .isEqualTo(poolingError(stock.getLayer("layer"), input, error));
        }
    }

    /** Deeplearning4j has a window there although it does not fit. */
    @ParameterizedTest
    @CsvSource({"1, 1", "7, 1", "1, 6"})
    void poolingOfOneRowOrColumn(int height, int width) {
        ComputationGraph stock = graph(even("narrow", pool()).getPayload(), DataType.FLOAT);
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        INDArray input = Nd4j.rand(DataType.FLOAT, 3, 2, height, width);
        INDArray error = Nd4j.rand(DataType.FLOAT, 3, 2, Math.max(1, height / 2), Math.max(1, width / 2));
        assertThat(poolingError(fast.getLayer("layer"), input, error))
                .isEqualTo(poolingError(stock.getLayer("layer"), input, error));
    }

    /** Native operations would write outside of their arrays. */
    @Test
    void whatHasNoOutputIsRefused() {
        assertRefused(conv(3, 3).convolutionMode(ConvolutionMode.Strict), FAST, 5, 2, 2);
        assertRefused(conv(1, 1).stride(3, 3).convolutionMode(ConvolutionMode.Same), FAST, 5, 9, 9);
        assertRefused(deconvolution().padding(2, 2), FAST, 5, 2, 2);
        assertRefused(conv1D(), FAST, 5, 2);
    }

    /** @param map shape of an example */
    private static void assertRefused(ConvolutionLayer.BaseConvBuilder<?> convolution, KernelChoice code, long... map) {
        boolean series = map.length == 2;
        InputType usual = series ? InputType.recurrent(5, 11) : InputType.convolutional(9, 7, 5, CNN2DFormat.NCHW);
        ComputationGraph graph = graph(new Case(convolution.build(), List.of(), usual), DataType.DOUBLE);
        FastLayers.replaceIn(graph, code);
        Layer layer = graph.getLayer("layer");
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(
                Nd4j.rand(
                        DataType.DOUBLE,
                        LongStream.concat(LongStream.of(3), LongStream.of(map)).toArray()),
                workspaces);
        assertThatThrownBy(() -> layer.activate(true, workspaces)).isInstanceOf(RuntimeException.class);
    }

    private static INDArray poolingError(Layer layer, INDArray input, INDArray error) {
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(input, workspaces);
        layer.activate(true, workspaces);
        return layer.backpropGradient(error, workspaces).getSecond();
    }

    @Test
    void addsToTheGradientsItFinds() {
        for (Case layer : List.of(
                new Case(conv(3, 3).build(), NCHW, InputType.convolutional(9, 7, 5, CNN2DFormat.NCHW)),
                new Case(new DenseLayer.Builder().nOut(5).build(), ROWS, InputType.feedForward(6)))) {
            assertAdds(layer, KernelChoice.all(Kernels.FAST));
        }
        assertAdds(square("1x1", conv(1, 1), 3, 5, 33).getPayload(), FAST);
    }

    private static void assertAdds(Case layer, KernelChoice code) {
        ComputationGraph graph = graph(layer, DataType.DOUBLE);
        FastLayers.replaceIn(graph, code);
        Layer fast = graph.getLayer("layer");
        Map<String, INDArray> once =
                passes(fast, layer.shape(), DataType.DOUBLE, 0).gradients();
        ((AddsGradients) fast).addGradients(true);
        Map<String, INDArray> sums =
                passes(fast, layer.shape(), DataType.DOUBLE, 3).gradients();
        sums.values().forEach(sum -> sum.subi(3));
        SameResult.assertSame(sums, once, 1e-12);
    }
}
