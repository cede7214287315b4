package io.github.dl4jpipeline.result;

import static io.github.dl4jpipeline.fixture.Network.kernelsInDouble;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Tiled training gives the same result as plain fit. */
class TilingTest {
    private static final double DOUBLE_TOLERANCE = 1e-10;

    static Stream<Arguments> windows() {
        return Stream.of(
                Arguments.of("padded 3x3", conv(3, 1, 1, 1, ConvolutionMode.Truncate)),
                Arguments.of("unpadded 3x3", conv(3, 1, 0, 1, ConvolutionMode.Truncate)),
                Arguments.of("1x1", conv(1, 1, 0, 1, ConvolutionMode.Truncate)),
                Arguments.of("5x5 stride 2", conv(5, 2, 2, 1, ConvolutionMode.Truncate)),
                Arguments.of("even kernel, stride 2, same", conv(4, 2, 0, 1, ConvolutionMode.Same)),
                Arguments.of("stride 3, same", conv(3, 3, 0, 1, ConvolutionMode.Same)),
                Arguments.of("stride above kernel", conv(2, 3, 0, 1, ConvolutionMode.Truncate)),
                Arguments.of("dilated", conv(3, 1, 2, 2, ConvolutionMode.Truncate)),
                Arguments.of("dilated, same", conv(3, 1, 0, 2, ConvolutionMode.Same)),
                Arguments.of("max pooling with padding", pool(PoolingType.MAX, 3, 2, 1, ConvolutionMode.Truncate)),
                Arguments.of("max pooling, same", pool(PoolingType.MAX, 2, 2, 0, ConvolutionMode.Same)),
                Arguments.of("mean pooling", pool(PoolingType.AVG, 3, 1, 0, ConvolutionMode.Truncate)),
                Arguments.of("power pooling", pool(PoolingType.PNORM, 2, 2, 0, ConvolutionMode.Truncate)),
                Arguments.of("across channels", new LocalResponseNormalization.Builder().build()));
    }

    private static Layer conv(int kernel, int stride, int padding, int dilation, ConvolutionMode mode) {
        return new ConvolutionLayer.Builder(kernel, kernel)
                .stride(stride, stride)
                .padding(padding, padding)
                .dilation(dilation, dilation)
                .convolutionMode(mode)
                .nOut(3)
                .build();
    }

    private static Layer pool(PoolingType type, int kernel, int stride, int padding, ConvolutionMode mode) {
        SubsamplingLayer.Builder builder = new SubsamplingLayer.Builder(type)
                .kernelSize(kernel, kernel)
                .stride(stride, stride)
                .padding(padding, padding)
                .convolutionMode(mode);
        return (type == PoolingType.PNORM ? builder.pnorm(2) : builder).build();
    }

    /** A layer between two 3x3 convolutions, on images with an odd number of rows, in grids that do not divide them. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("windows")
    void everyKindOfWindow(String name, Layer layer) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(13, 10, 2))
                .addLayer("before", TestGraphs.convolution(3), "image")
                .addLayer("layer", layer, "before")
                .addLayer("after", TestGraphs.convolution(2), "layer")
                .addLayer("output", TestGraphs.softmax(3), "after")
                .setOutputs("output")
                .build());
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 3, 3, 2, 13, 10));
        ComputationGraph expected = SameResult.plain(start, batches);
        for (int[] grid : new int[][] {{1, 2}, {4, 3}}) {
            for (Kernels kernels : kernelsInDouble()) {
                for (int devices = 1; devices <= 2; devices++) {
                    FusedTiling tiling =
                            FusedTiling.grid(grid[0], grid[1]).from("before").to("after");
                    assertTrainsAs(start, expected, batches, tiling, kernels, devices, 1);
                    assertTrainsAs(start, expected, batches, tiling.cutAfter("before"), kernels, devices, 1);
                }
            }
        }
    }

    private static void assertTrainsAs(
            ComputationGraph start,
            ComputationGraph expected,
            List<MultiDataSet> batches,
            FusedTiling tiling,
            Kernels kernels,
            int devices,
            int microBatches) {
        ComputationGraph graph = SameResult.copy(start);
        int examples = (int) batches.get(0).getFeatures(0).size(0);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(devices))
                .profile(SameResult.evenProfile(graph, examples))
                .microBatches(microBatches)
                .kernels(kernels)
                .tiling(tiling)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
    }

    enum Network {
        RESIDUAL("stem", "merge", "aAdd"),
        RESIDUAL_IN_THE_MIDDLE("a1", "bRelu", "a2"),
        RESIDUAL_BATCH_NORM("stem", "merge", "aRelu"),
        YOLO("0", "9", "3"),
        LENET("conv1", "pool2", "pool1"),
        UNTRAINED_START("pool", "middle", "tanh"),
        UNTRAINED("pool", "tanh", "pool");

        private final FusedTiling uncut;
        private final String cut;

        Network(String from, String to, String cut) {
            this.uncut = FusedTiling.grid(2, 3).from(from).to(to);
            this.cut = cut;
        }

        ComputationGraphConfiguration configuration(DataType type) {
            return switch (this) {
                case RESIDUAL -> TestGraphs.residual(type, false);
                case RESIDUAL_IN_THE_MIDDLE -> TestGraphs.residual(type, false);
                case RESIDUAL_BATCH_NORM -> TestGraphs.residual(type, true);
                case YOLO -> TestGraphs.yolo(type, 20);
                case LENET -> TestGraphs.leNet(type);
                case UNTRAINED_START, UNTRAINED -> TestGraphs.untrainedStart(type);
            };
        }

        MultiDataSet batch(DataType type, long seed, int examples) {
            return switch (this) {
                case YOLO -> TestData.classification(type, seed, examples, 4, 3, 20, 20);
                case LENET -> TestData.classification(type, seed, examples, 4, 1, 14, 14);
                case UNTRAINED_START, UNTRAINED -> TestData.classification(type, seed, examples, 4, 2, 6, 6);
                default -> TestData.classification(type, seed, examples, 4, 3, 8, 8);
            };
        }
    }

    @ParameterizedTest
    @EnumSource
    void parametersAfterThreeSteps(Network network) {
        ComputationGraph start = TestGraphs.graph(network.configuration(DataType.DOUBLE));
        List<MultiDataSet> batches = new ArrayList<>();
        for (int examples : new int[] {5, 3, 5}) {
            batches.add(network.batch(DataType.DOUBLE, examples, examples));
        }
        ComputationGraph expected = SameResult.plain(start, batches);
        for (Kernels kernels : kernelsInDouble()) {
            FusedTiling cut = network.uncut.cutAfter(network.cut);
            for (int devices = 1; devices <= 2; devices++) {
                assertTrainsAs(start, expected, batches, network.uncut, kernels, devices, 1);
                assertTrainsAs(start, expected, batches, cut, kernels, devices, 3);
            }
            // A device for each tile: activations are kept from the forward to the backward pass
            assertTrainsAs(start, expected, batches, cut, kernels, 6, 2);
        }
    }

    static Stream<Schedule> schedules() {
        return Schedules.all().stream();
    }

    /** Tiles in the first of two stages, and in both replicas of it, with more micro-batches than in flight. */
    @ParameterizedTest
    @MethodSource("schedules")
    void inAPipeline(Schedule schedule) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.yolo(DataType.DOUBLE, 20));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 5, 4, 3, 20, 20));
        ComputationGraph expected = SameResult.plain(start, batches);
        FusedTiling tiling = FusedTiling.grid(2, 2).from("1").to("4");
        for (int replicas = 1; replicas <= 2; replicas++) {
            ComputationGraph graph = SameResult.copy(start);
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .devices(Devices.cpu(4))
                    .plan(SameResult.evenPlan(graph, List.of(replicas, 1), 4))
                    .schedule(schedule)
                    .tiling(tiling)
                    .build()) {
                batches.forEach(net::fit);
                SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void gradientInFloat(Network network) {
        ComputationGraph graph = TestGraphs.graph(network.configuration(DataType.FLOAT));
        MultiDataSet batch = network.batch(DataType.FLOAT, 1, 6);
        for (Kernels kernels : kernelsInDouble()) {
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .devices(Devices.cpu(2))
                    .kernels(kernels)
                    .tiling(network.uncut.cutAfter(network.cut))
                    .build()) {
                SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
            }
        }
    }

    @Test
    void alexNetCifar() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.DOUBLE, 2));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 3, 10, 3, 32, 32));
        ComputationGraph expected = SameResult.plain(start, batches);
        FusedTiling tiling = FusedTiling.grid(2, 2).from("conv1").to("pool5").cutAfter("pool1", "pool2");
        assertTrainsAs(start, expected, batches, tiling, Kernels.FAST, 2, 2);
    }

    @Test
    void vgg16() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.vgg16(DataType.DOUBLE, 2));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 2, 10, 3, 32, 32));
        ComputationGraph expected = SameResult.plain(start, batches);
        FusedTiling tiling = FusedTiling.grid(3, 2).from("1").to("14").cutAfter("3", "6", "10");
        assertTrainsAs(start, expected, batches, tiling, Kernels.FAST, 2, 1);
    }

    /** The normalization's statistics are of part of a batch, but its running statistics are of the whole. */
    @Test
    void batchNormPerMicroBatch() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, true));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 5, 4, 3, 8, 8));
        ComputationGraph untiled = SameResult.copy(start);
        ComputationGraph tiled = SameResult.copy(start);
        try (PipelineComputationGraph one = perMicroBatch(untiled).build();
                PipelineComputationGraph other = perMicroBatch(tiled)
                        .tiling(FusedTiling.grid(2, 2).from("stem").to("merge"))
                        .build()) {
            batches.forEach(one::fit);
            batches.forEach(other::fit);
            SameResult.assertSame(other, one, DOUBLE_TOLERANCE);
        }
    }

    private static PipelineBuilder perMicroBatch(ComputationGraph graph) {
        Devices devices = Devices.cpu(2);
        Stage all = Stage.of(devices.get(0), VertexGraph.of(graph).names());
        return PipelineComputationGraph.builder(graph)
                .devices(devices)
                .plan(PartitionPlan.of(List.of(all), 2))
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH);
    }

    /** Noise is that of the whole map: the same with tiles and without. */
    @ParameterizedTest
    @MethodSource("dropouts")
    void dropout(IDropout dropout) {
        ComputationGraph start = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(9, 8, 2))
                .addLayer("first", TestGraphs.convolution(3), "image")
                .addLayer("dropped", new DropoutLayer(dropout.clone()), "first")
                .addLayer(
                        "second",
                        new ConvolutionLayer.Builder(3, 3)
                                .padding(1, 1)
                                .nOut(3)
                                .dropOut(dropout.clone())
                                .weightNoise(new DropConnect(0.8))
                                .build(),
                        "dropped")
                .addLayer("third", TestGraphs.convolution(2), "second")
                .addLayer("output", TestGraphs.softmax(3), "third")
                .setOutputs("output")
                .build());
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 5, 3, 2, 9, 8));
        FusedTiling tiling = FusedTiling.grid(2, 3).from("first").to("third");
        for (Kernels kernels : kernelsInDouble()) {
            ComputationGraph untiled = SameResult.copy(start);
            try (PipelineComputationGraph expected = PipelineComputationGraph.builder(untiled)
                    .plan(SameResult.evenPlan(untiled, 1, 2))
                    .kernels(kernels)
                    .build()) {
                batches.forEach(expected::fit);
                for (int devices : new int[] {1, 2, 6}) {
                    assertTrainsAs(start, expected, batches, tiling, kernels, devices, 2);
                    assertTrainsAs(start, expected, batches, tiling.cutAfter("dropped"), kernels, devices, 1);
                }
            }
        }
    }

    static Stream<Named<IDropout>> dropouts() {
        return Stream.of(
                Named.of("dropout", new Dropout(0.6)),
                Named.of("alpha dropout", new AlphaDropout(0.6)),
                Named.of("Gaussian dropout", new GaussianDropout(0.3)),
                Named.of("Gaussian noise", new GaussianNoise(0.2)),
                Named.of("spatial dropout", new SpatialDropout(0.6)));
    }

    @ParameterizedTest
    @EnumSource
    void outputInTiles(Network network) {
        ComputationGraph graph = TestGraphs.graph(network.configuration(DataType.DOUBLE));
        for (Kernels kernels : kernelsInDouble()) {
            for (int devices = 1; devices <= 2; devices++) {
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .devices(Devices.cpu(devices))
                        .kernels(kernels)
                        .tiling(network.uncut.cutAfter(network.cut))
                        .build()) {
                    for (int examples : new int[] {3, 1, 4}) {
                        INDArray[] features =
                                network.batch(DataType.DOUBLE, 1, examples).getFeatures();
                        INDArray expected = graph.output(features)[0].dup();
                        assertThat(SameResult.difference(net.output(features)[0], expected))
                                .isLessThanOrEqualTo(DOUBLE_TOLERANCE);
                    }
                    net.fit(network.batch(DataType.DOUBLE, 2, 3));
                    INDArray[] features = network.batch(DataType.DOUBLE, 1, 2).getFeatures();
                    assertThat(SameResult.difference(net.output(features)[0], graph.output(features)[0]))
                            .isLessThanOrEqualTo(DOUBLE_TOLERANCE);
                }
            }
        }
    }

    /** Layers that keep nothing but their inputs and outputs take exactly the memory that the geometry says. */
    @Test
    void measuredBytesAreThoseCounted() {
        for (int[] grid : new int[][] {{1, 1}, {2, 2}, {2, 3}}) {
            for (int devices : new int[] {1, 6}) {
                ComputationGraph graph = TestGraphs.graph(TestGraphs.alexNetCifar(DataType.FLOAT, 2));
                try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                        .devices(Devices.cpu(devices))
                        .tiling(FusedTiling.grid(grid[0], grid[1])
                                .from("conv1")
                                .to("pool5")
                                .cutAfter("pool1"))
                        .build()) {
                    assertThat(net.report().tiles()).isEmpty();
                    net.fit(TestData.classification(DataType.FLOAT, 1, 2, 10, 3, 32, 32));
                    TileMeasurement measured = net.report().tiles().orElseThrow();
                    assertThat(measured.tileBytes()).isCloseTo(measured.countedBytes(), Percentage.withPercentage(1));
                    assertThat(net.report().toString()).contains("tiles: largest keeps");
                }
            }
        }
    }

    @Test
    void aMaskOnATiledVertexIsRefused() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, false));
        org.nd4j.linalg.dataset.MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 2, 4, 3, 8, 8);
        batch.setFeaturesMaskArrays(new INDArray[] {TestData.values(DataType.DOUBLE, 1, 2, 1, 8, 8)});
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .tiling(FusedTiling.grid(2, 2).from("stem").to("merge"))
                .build()) {
            assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("'aRelu' is run in tiles and has a mask");
        }
    }

    /** A failure in a tile names it, and the next step works. */
    @Test
    void aFailingTileIsNamed() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.yolo(DataType.DOUBLE, 20));
        ComputationGraph expected =
                SameResult.plain(graph, List.of(TestData.classification(DataType.DOUBLE, 1, 3, 4, 3, 20, 20)));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .tiling(FusedTiling.grid(2, 2).from("0").to("9"))
                .build()) {
            assertThatThrownBy(() -> net.fit(TestData.classification(DataType.DOUBLE, 1, 3, 4, 5, 20, 20)))
                    .isInstanceOf(PipelineException.class)
                    .hasStackTraceContaining("Vertex '0', tile (0, 0) of group 0");
            net.fit(TestData.classification(DataType.DOUBLE, 1, 3, 4, 3, 20, 20));
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
    }

    @Test
    void refusesByName() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, false));
        refuses(graph, FusedTiling.grid(2, 2), "call from(vertex)");
        refuses(graph, FusedTiling.grid(2, 2).from("stem").to("pool"), "'pool'", "GlobalPooling");
        refuses(graph, FusedTiling.grid(2, 2).from("stem").to("output"), "'output'", "a network output");
        refuses(graph, FusedTiling.grid(2, 2).from("nowhere").to("merge"), "no vertex 'nowhere'");
        refuses(graph, FusedTiling.grid(2, 2).from("a1").to("a2").cutAfter("b1"), "'b1'", "not between");
        refuses(graph, FusedTiling.grid(2, 2).from("a1").to("aAdd"), "");
        refuses(graph, FusedTiling.grid(2, 2).from("b1").to("a1"), "No path");
        refuses(graph, FusedTiling.grid(2, 2).from("stem").to("aRelu"), "'scaled' reads 'stem'");
        ComputationGraph flat = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        refuses(flat, FusedTiling.grid(2, 2).from("conv1").to("dense"), "'dense'", "preprocessor");
    }

    static Stream<Arguments> activations() {
        return Stream.of(
                Arguments.of(new ActivationSoftmax(), "softmax"),
                Arguments.of(new ActivationRReLU(), "rrelu"),
                Arguments.of(new OtherActivation(), "other"));
    }

    /** An activation function of which nothing is known. */
    @SuppressWarnings("serial")
    private static final class OtherActivation extends ActivationTanH {
        @Override
        public String toString() {
            return "other";
        }
    }

    /** Softmax goes over a row of a map, RReLU draws numbers for all of it, and others may do what they like. */
    @ParameterizedTest
    @MethodSource("activations")
    void refusesActivationsThatMayNeedTheWholeMap(IActivation activation, String name) {
        ConvolutionLayer convolution = TestGraphs.convolution(2);
        convolution.setActivationFn(activation);
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 2))
                .addLayer("convolution", convolution, "image")
                .addLayer("activation", new ActivationLayer(activation), "convolution")
                .addLayer("output", TestGraphs.softmax(3), "activation")
                .setOutputs("output")
                .build());
        FusedTiling tiling = FusedTiling.grid(2, 2).to("activation");
        refuses(graph, tiling.from("convolution"), "'convolution'", "activation function " + name);
        refuses(graph, tiling.from("activation"), "'activation'", "activation function " + name);
    }

    @Test
    void refusesMergesOfRows() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 2))
                .addLayer("first", TestGraphs.convolution(2), "image")
                .addLayer("second", TestGraphs.convolution(2), "first")
                .addVertex("rows", rows(), "first", "second")
                .addLayer("output", TestGraphs.softmax(3), "rows")
                .setOutputs("output")
                .build());
        refuses(graph, FusedTiling.grid(2, 2).from("first").to("rows"), "'rows'", "values at one place");
    }

    private static MergeVertex rows() {
        MergeVertex vertex = new MergeVertex();
        vertex.setMergeAxis(2);
        return vertex;
    }

    /** After the first steps nothing more is reserved. */
    @Test
    void memoryIsSteady() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.yolo(DataType.FLOAT, 20));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .microBatches(2)
                .tiling(FusedTiling.grid(2, 3).from("0").to("9").cutAfter("3"))
                .build()) {
            List<Long> bytes = new ArrayList<>();
            for (int step = 0; step < 8; step++) {
                net.fit(TestData.classification(DataType.FLOAT, step, 4, 4, 3, 20, 20));
                bytes.add(net.report().stages().get(0).memoryBytes());
            }
            assertThat(bytes.subList(3, 8)).containsOnly(bytes.get(3));
        }
    }

    /** Tiles chosen by profile, and tiles that the planner takes because nothing else fits into memory. */
    @Test
    void chosenTilesTrainAsPlainFit() {
        ComputationGraph start = TestGraphs.graph(TestGraphs.yolo(DataType.DOUBLE, 64));
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, 2, 4, 3, 64, 64));
        ComputationGraph expected = SameResult.plain(start, batches);
        GraphProfile profile = GraphProfiler.profile(start, batches.get(0));
        FusedTiling chosen = FusedTiling.auto(profile, Devices.cpu(2));
        assertThat(chosen.first()).contains("0");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(start))
                .devices(Devices.cpu(2))
                .tiling(chosen)
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
        }
        Device core = Devices.cpu().get(0);
        PartitionPlan untiled = Planner.plan(profile, Devices.of(core), PlanOptions.defaults());
        long memory = untiled.stages().get(0).memoryBytes() * 9 / 10;
        Devices small = Devices.of(new Device(core.id(), core.kind(), core.cores(), memory, 1));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(start))
                .devices(small)
                .microBatches(1)
                .build()) {
            batches.forEach(net::fit);
            assertThat(net.plan().tiling()).isPresent();
            assertThat(net.report().tiles()).isPresent();
            SameResult.assertSame(net, expected, DOUBLE_TOLERANCE);
            INDArray[] features = batches.get(0).getFeatures();
            assertThat(SameResult.difference(net.output(features)[0], expected.output(features)[0]))
                    .isLessThan(DOUBLE_TOLERANCE);
        }
    }

    private static void refuses(ComputationGraph graph, FusedTiling tiling, String... parts) {
        PipelineBuilder builder = PipelineComputationGraph.builder(graph).tiling(tiling);
        if (parts[0].isEmpty()) {
            builder.build().close();
            return;
        }
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(parts);
    }

    @Test
    void aPlanThatCutsTheTiledVerticesIsRefused() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.yolo(DataType.DOUBLE, 20));
        PipelineBuilder builder = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 3, 2))
                .tiling(FusedTiling.grid(2, 2).from("0").to("9"));
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "tiling: ", "'0' of stage 0", "use a plan that has them in one stage, or leave stages out");
    }

    @Test
    void stagesThatLeaveNothingBesideTheTiledVertices() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.yolo(DataType.DOUBLE, 20));
        int vertices = graph.getNumLayers();
        FusedTiling tiling = FusedTiling.grid(2, 2).from("1").to("4");
        int most = vertices - 4 + 1;
        PipelineComputationGraph.builder(graph)
                .stages(most)
                .tiling(tiling)
                .build()
                .close();
        PipelineBuilder builder =
                PipelineComputationGraph.builder(graph).stages(most + 1).tiling(tiling);
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "stages(" + (most + 1) + ") contradicts tiling(grid 2x2, from '1' to '4'",
                        "ask for " + most + " stages or fewer");
    }
}
