package io.github.dl4jpipeline.internal.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.*;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What {@link KnownClasses} says of layers: a batch gives what its examples give alone, one after the other. */
@SuppressWarnings({"deprecation", "rawtypes"}) // saved models still have these layers
class IndependentLayersTest {
    private static final DataType TYPE = DataType.DOUBLE;
    private static final int EXAMPLES = 5;
    private static final int STEPS = 6;

    /**
     * A network with a vertex "layer" and data for it.
     *
     * @param layer what that vertex is
     * @param rows how many rows of its output an example has; they lie as far apart as there are examples
     */
    private record Case(Layer layer, GraphBuilder builder, MultiDataSet batch, int rows) {
        Case(Layer layer, GraphBuilder builder, MultiDataSet batch) {
            this(layer, builder, batch, 1);
        }
    }

    // ---- Data ----

    private static final InputType VALUES = InputType.feedForward(6);
    private static final InputType SEQUENCES = InputType.recurrent(4, STEPS);
    private static final InputType IMAGES = InputType.convolutional(6, 6, 2);
    private static final InputType VOLUMES = InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, 4, 4, 4, 2);

    private static MultiDataSet data(InputType type, long... labels) {
        long[] shape = type.getShape(true).clone();
        shape[0] = EXAMPLES;
        return new MultiDataSet(
                TestData.values(TYPE, 1, shape),
                labels.length == 0
                        ? TestData.classes(TYPE, 2, EXAMPLES, 3)
                        : TestData.values(TYPE, 2, with(EXAMPLES, labels)));
    }

    private static long[] with(long first, long... others) {
        long[] all = new long[others.length + 1];
        all[0] = first;
        System.arraycopy(others, 0, all, 1, others.length);
        return all;
    }

    private static MultiDataSet masked() {
        return TestData.sequences(TYPE, 1, EXAMPLES, 4, 3, STEPS, true);
    }

    private static GraphBuilder start(InputType type) {
        return TestGraphs.settings(TYPE).graphBuilder().addInputs("in").setInputTypes(type);
    }

    private static OutputLayer softmax() {
        return TestGraphs.softmax(3);
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nOut(4).build();
    }

    private static RnnOutputLayer softmaxPerStep() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(3)
                .build();
    }

    // ---- Networks ----

    /** The layer between the input and a classifier. */
    private static Case between(InputType type, Layer layer) {
        return new Case(
                layer, start(type).addLayer("layer", layer, "in").addLayer("output", softmax(), "layer"), data(type));
    }

    /** The layer between time steps and a classifier of each, with sequences of different lengths. */
    private static Case perStep(Layer layer) {
        return new Case(
                layer,
                start(SEQUENCES).addLayer("layer", layer, "in").addLayer("output", softmaxPerStep(), "layer"),
                masked());
    }

    /** The layer between time steps and a classifier of the whole sequence. */
    private static Case pooled(Layer layer) {
        return pooled(SEQUENCES, layer);
    }

    private static Case pooled(InputType type, Layer layer) {
        return new Case(
                layer,
                start(type)
                        .addLayer("layer", layer, "in")
                        .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "layer")
                        .addLayer("output", softmax(), "pool"),
                data(type));
    }

    /** The layer at the end. */
    private static Case last(InputType type, Layer layer, MultiDataSet data) {
        return new Case(layer, start(type).addLayer("layer", layer, "in"), data);
    }

    private static Case words(InputType type, Layer layer, long... shape) {
        INDArray words = Nd4j.create(TYPE, with(EXAMPLES, shape));
        for (int i = 0; i < words.length(); i++) {
            words.putScalar(i, (3 * i + 1) % 7);
        }
        GraphBuilder builder = start(type).addLayer("layer", layer, "in");
        boolean sequence = layer instanceof EmbeddingSequenceLayer;
        if (sequence) {
            builder.addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "layer");
        }
        return new Case(
                layer,
                builder.addLayer("output", softmax(), sequence ? "pool" : "layer"),
                new MultiDataSet(words, TestData.classes(TYPE, 2, EXAMPLES, 3)));
    }

    /** Layers one after the other, of which one is tested: copies, since each gets the name of its vertex. */
    private static Case capsules(int tested, Layer... layers) {
        GraphBuilder builder = start(IMAGES);
        String from = "in";
        for (int i = 0; i < layers.length; i++) {
            String name = i == tested ? "layer" : "layer" + i;
            builder.addLayer(name, layers[i].clone(), from);
            from = name;
        }
        return new Case(layers[tested], builder.addLayer("output", softmax(), from), data(IMAGES));
    }

    /** Blocks of an image become rows, for which there are labels, too. */
    private static Case rows(SpaceToBatchLayer layer, int rows) {
        MultiDataSet data = new MultiDataSet(
                TestData.values(TYPE, 1, EXAMPLES, 2, 6, 6), TestData.values(TYPE, 2, (long) rows * EXAMPLES, 2, 3, 3));
        return new Case(
                layer,
                start(IMAGES)
                        .addLayer("layer", layer, "in")
                        .addLayer("conv", TestGraphs.convolution(2), "layer")
                        .addLayer("output", new CnnLossLayer.Builder(LossFunction.MSE).build(), "conv"),
                data,
                rows);
    }

    /** A layer of a class that has no builder: with the settings of one of its super class. */
    private static <T extends Layer> T as(Class<T> type, Layer settings) {
        try {
            T layer = type.getDeclaredConstructor().newInstance();
            for (Class<?> from = settings.getClass(); from != Object.class; from = from.getSuperclass()) {
                for (Field field : from.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers())) {
                        field.setAccessible(true);
                        field.set(layer, field.get(settings));
                    }
                }
            }
            return layer;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Stream<Case> values() {
        return Stream.of(
                between(VALUES, new ActivationLayer(Activation.TANH)),
                between(VALUES, new AutoEncoder.Builder().nOut(4).build()),
                between(
                        VALUES,
                        new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build()),
                between(VALUES, new DropoutLayer.Builder(1.0).build()),
                between(
                        VALUES,
                        new ElementWiseMultiplicationLayer.Builder()
                                .nIn(6)
                                .nOut(6)
                                .build()),
                between(VALUES, new FrozenLayer(new DenseLayer.Builder().nOut(5).build())),
                between(
                        VALUES,
                        new FrozenLayerWithBackprop(
                                new DenseLayer.Builder().nOut(5).build())),
                between(VALUES, new PReLULayer.Builder().inputShape(6).build()),
                between(
                        VALUES,
                        new VariationalAutoencoder.Builder()
                                .encoderLayerSizes(5)
                                .decoderLayerSizes(5)
                                .nOut(3)
                                .build()),
                last(VALUES, softmax(), data(VALUES)),
                last(
                        VALUES,
                        new LossLayer.Builder(LossFunction.MSE)
                                .activation(Activation.TANH)
                                .build(),
                        data(VALUES, 6)),
                words(
                        InputType.feedForward(7),
                        new EmbeddingLayer.Builder().nIn(7).nOut(4).build(),
                        1),
                words(
                        InputType.recurrent(7, 5),
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(7)
                                .nOut(4)
                                .inputLength(5)
                                .build(),
                        5));
    }

    private static Stream<Case> sequences() {
        return Stream.of(
                perStep(new Bidirectional(lstm())),
                perStep(new GravesBidirectionalLSTM.Builder().nOut(4).build()),
                perStep(new GravesLSTM.Builder().nOut(4).build()),
                perStep(lstm()),
                perStep(new MaskLayer()),
                perStep(new MaskZeroLayer(lstm(), 0)),
                perStep(new SimpleRnn.Builder().nOut(4).build()),
                perStep(new SelfAttentionLayer.Builder()
                        .nOut(4)
                        .nHeads(2)
                        .projectInput(true)
                        .build()),
                last(SEQUENCES, softmaxPerStep(), masked()),
                last(
                        SEQUENCES,
                        new RnnLossLayer.Builder(LossFunction.MSE)
                                .activation(Activation.TANH)
                                .build(),
                        data(SEQUENCES, 4, STEPS)),
                between(SEQUENCES, new LastTimeStep(lstm())),
                between(SEQUENCES, new GlobalPoolingLayer(PoolingType.PNORM)),
                pooled(new RecurrentAttentionLayer.Builder()
                        .nIn(4)
                        .nOut(4)
                        .nHeads(1)
                        .projectInput(false)
                        .build()),
                pooled(new Convolution1DLayer.Builder(3).nOut(5).build()),
                pooled(as(
                        Convolution1D.class,
                        new Convolution1DLayer.Builder(3).nOut(5).build())),
                pooled(new Cropping1D.Builder(1).build()),
                pooled(new LocallyConnected1D.Builder().kernelSize(3).nOut(3).build()),
                pooled(new Subsampling1DLayer.Builder(2, 2).build()),
                pooled(as(Pooling1D.class, new Subsampling1DLayer.Builder(2, 2).build())),
                pooled(new Upsampling1D.Builder(2).build()),
                pooled(new ZeroPadding1DLayer.Builder(1).build()),
                new Case(
                        new RepeatVector.Builder(3).build(),
                        start(VALUES)
                                .addLayer("layer", new RepeatVector.Builder(3).build(), "in")
                                .addLayer("last", new LastTimeStep(lstm()), "layer")
                                .addLayer("output", softmax(), "last"),
                        data(VALUES)));
    }

    private static Stream<Case> images() {
        return Stream.of(
                between(IMAGES, new ConvolutionLayer.Builder(3, 3).nOut(3).build()),
                between(
                        IMAGES,
                        as(
                                Convolution2D.class,
                                new ConvolutionLayer.Builder(3, 3).nOut(3).build())),
                between(IMAGES, new Cropping2D(1, 1)),
                between(IMAGES, new Deconvolution2D.Builder(2, 2).nOut(3).build()),
                between(
                        IMAGES,
                        new DepthwiseConvolution2D.Builder(3, 3)
                                .depthMultiplier(2)
                                .nOut(4)
                                .build()),
                between(InputType.convolutional(6, 6, 7), new LocalResponseNormalization.Builder().build()),
                between(
                        IMAGES,
                        new LocallyConnected2D.Builder()
                                .kernelSize(3, 3)
                                .nOut(2)
                                .build()),
                between(IMAGES, new SeparableConvolution2D.Builder(3, 3).nOut(3).build()),
                between(IMAGES, new SpaceToDepthLayer.Builder(2, SpaceToDepthLayer.DataFormat.NCHW).build()),
                between(
                        IMAGES,
                        new SubsamplingLayer.Builder(PoolingType.AVG)
                                .kernelSize(2, 2)
                                .build()),
                between(
                        IMAGES,
                        as(
                                Pooling2D.class,
                                new SubsamplingLayer.Builder(PoolingType.MAX)
                                        .kernelSize(2, 2)
                                        .build())),
                between(IMAGES, new Upsampling2D.Builder(2).build()),
                between(IMAGES, new ZeroPaddingLayer(1, 2)),
                rows(new SpaceToBatchLayer.Builder(new int[] {2, 2}).build(), 4),
                last(
                        IMAGES,
                        new CnnLossLayer.Builder(LossFunction.MSE)
                                .activation(Activation.TANH)
                                .build(),
                        data(IMAGES, 2, 6, 6)),
                yolo());
    }

    private static Stream<Case> volumes() {
        return Stream.of(
                between(VOLUMES, new Convolution3D.Builder(2, 2, 2).nOut(3).build()),
                between(VOLUMES, new Cropping3D.Builder(1, 1, 1).build()),
                between(
                        VOLUMES,
                        new Deconvolution3D.Builder()
                                .kernelSize(2, 2, 2)
                                .nOut(2)
                                .build()),
                between(
                        VOLUMES,
                        new Subsampling3DLayer.Builder(Subsampling3DLayer.PoolingType.MAX)
                                .kernelSize(2, 2, 2)
                                .build()),
                pooled(VOLUMES, new Upsampling3D.Builder(Convolution3D.DataFormat.NCDHW, 2).build()),
                pooled(VOLUMES, new ZeroPadding3DLayer.Builder(1).build()),
                last(
                        VOLUMES,
                        new Cnn3DLossLayer.Builder(Convolution3D.DataFormat.NCDHW)
                                .lossFunction(LossFunction.MSE)
                                .activation(Activation.TANH)
                                .build(),
                        data(VOLUMES, 2, 4, 4, 4)));
    }

    private static Stream<Case> capsules() {
        PrimaryCapsules primary =
                new PrimaryCapsules.Builder(4, 2).kernelSize(3, 3).stride(2, 2).build();
        CapsuleLayer capsules = new CapsuleLayer.Builder(3, 4, 2).build();
        CapsuleStrengthLayer strength = new CapsuleStrengthLayer.Builder().build();
        return Stream.of(
                capsules(0, primary, strength),
                capsules(1, primary, capsules, strength),
                capsules(1, primary, strength));
    }

    /** Two boxes, each with five values and three classes: 16 channels. Labels have corners of a box, and its class where the box is. */
    private static Case yolo() {
        InputType maps = InputType.convolutional(4, 4, 16);
        INDArray labels = Nd4j.zeros(TYPE, EXAMPLES, 7, 4, 4);
        for (int example = 0; example < EXAMPLES; example++) {
            int at = example % 4;
            double[] box = {at + 0.2, 1.1, at + 0.9, 1.8};
            for (int corner = 0; corner < box.length; corner++) {
                labels.putScalar(new int[] {example, corner, 1, at}, box[corner]);
            }
            labels.putScalar(new int[] {example, 4 + example % 3, 1, at}, 1);
        }
        Yolo2OutputLayer layer = new Yolo2OutputLayer.Builder()
                .boundingBoxPriors(
                        Nd4j.create(new double[][] {{1, 1}, {2, 1.5}}).castTo(TYPE))
                .build();
        return new Case(
                layer,
                start(maps).addLayer("conv", TestGraphs.convolution(16), "in").addLayer("layer", layer, "conv"),
                new MultiDataSet(TestData.values(TYPE, 1, EXAMPLES, 16, 4, 4), labels));
    }

    private static List<Named<Case>> cases() {
        return Stream.of(values(), sequences(), images(), volumes(), capsules())
                .flatMap(some -> some)
                .map(some -> Named.of(some.layer().getClass().getSimpleName(), some))
                .toList();
    }

    // ---- Tests ----

    @Test
    void everyLayerHasACase() {
        assertThat(Stream.concat(cases().stream().map(Named::getPayload), Stream.of(broken()))
                        .map(each -> each.layer().getClass().getName())
                        .distinct())
                .containsExactlyInAnyOrderElementsOf(KnownClasses.INDEPENDENT.stream()
                        .filter(Layer.class::isAssignableFrom)
                        .map(Class::getName)
                        .toList());
    }

    /** Deeplearning4j 1.0.0-M2.1 cannot run it. */
    private static Case broken() {
        return pooled(new LearnedSelfAttentionLayer.Builder()
                .nOut(4)
                .nHeads(2)
                .nQueries(3)
                .projectInput(true)
                .build());
    }

    /** If this fails, the layer works and belongs to the cases. */
    @Test
    void learnedSelfAttentionIsBrokenInDeeplearning4j() {
        ComputationGraph graph =
                TestGraphs.graph(broken().builder().setOutputs("output").build());
        assertThatThrownBy(() -> output(graph, broken().batch(), false)).hasMessageContaining("scatter_update");
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aBatchGivesWhatItsExamplesGiveAlone(Case each) {
        boolean atTheEnd = !each.builder().getVertices().containsKey("output");
        ComputationGraph graph = TestGraphs.graph(
                each.builder().setOutputs(atTheEnd ? "layer" : "output").build());
        assertThat(ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, Set.of()))
                .isEmpty();
        List<MultiDataSet> alone = new ArrayList<>();
        for (int example = 0; example < EXAMPLES; example++) {
            alone.add(example(each.batch(), example));
        }
        for (boolean training : new boolean[] {false, true}) {
            INDArray expected = inOrder(
                    alone.stream().map(data -> output(graph, data, training)).toList(), each.rows());
            assertThat(SameResult.difference(output(graph, each.batch(), training), expected))
                    .as("output" + (training ? " in training" : ""))
                    .isLessThan(1e-12);
        }
        Map<String, INDArray> sums = new LinkedHashMap<>();
        for (MultiDataSet data : alone) {
            SameResult.gradient(graph, data).forEach((name, gradient) -> sums.merge(name, gradient, INDArray::add));
        }
        Map<String, INDArray> gradient = SameResult.gradient(graph, each.batch());
        SameResult.assertSame(gradient, sums, 1e-10);
    }

    private static INDArray output(ComputationGraph graph, MultiDataSet data, boolean training) {
        graph.setLayerMaskArrays(data.getFeaturesMaskArrays(), data.getLabelsMaskArrays());
        INDArray output =
                graph.feedForward(data.getFeatures(), training).get("layer").dup();
        graph.clearLayerMaskArrays();
        graph.clear();
        return output;
    }

    /** Joins the outputs of examples as those of a batch are. */
    private static INDArray inOrder(List<INDArray> alone, int rows) {
        List<INDArray> parts = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int current = row;
            alone.forEach(output -> parts.add(rows == 1 ? output : rowsOf(output, current, 1, 1)));
        }
        return Nd4j.concat(0, parts.toArray(INDArray[]::new));
    }

    /** Some rows, each {@code apart} from the one before. */
    private static INDArray rowsOf(INDArray array, long first, long apart, long count) {
        INDArrayIndex[] index = new INDArrayIndex[array.rank()];
        Arrays.fill(index, NDArrayIndex.all());
        List<INDArray> rows = new ArrayList<>();
        for (long row = first; rows.size() < count; row += apart) {
            index[0] = NDArrayIndex.interval(row, row + 1);
            rows.add(array.get(index).dup());
        }
        return Nd4j.concat(0, rows.toArray(INDArray[]::new));
    }

    private static MultiDataSet example(MultiDataSet batch, int example) {
        UnaryOperator<INDArray[]> slice = arrays -> arrays == null
                ? null
                : Arrays.stream(arrays)
                        .map(array -> rowsOf(array, example, EXAMPLES, array.size(0) / EXAMPLES))
                        .toArray(INDArray[]::new);
        return new MultiDataSet(
                slice.apply(batch.getFeatures()),
                slice.apply(batch.getLabels()),
                slice.apply(batch.getFeaturesMaskArrays()),
                slice.apply(batch.getLabelsMaskArrays()));
    }
}
