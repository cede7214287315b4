package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Networks all of whose layers the engine runs, many in another shape than Deeplearning4j sees, with the result of plain fit. */
class ReshapedLayersTest {
    private static final int EXAMPLES = 7;
    private static final int CLASSES = 3;
    private static final String OUTPUT = "output";

    @SuppressWarnings("ArrayRecordComponent")
    private record Case(InputType input, List<Layer> layers, long... example) {
        ComputationGraph graph() {
            GraphBuilder builder = TestGraphs.settings(DataType.FLOAT)
                    .graphBuilder()
                    .addInputs("input")
                    .setInputTypes(input);
            String before = "input";
            for (Layer layer : layers) {
                String name = "layer" + layers.indexOf(layer);
                builder.addLayer(name, layer, before);
                before = name;
            }
            return TestGraphs.graph(builder.addLayer(OUTPUT, TestGraphs.softmax(CLASSES), before)
                    .setOutputs(OUTPUT)
                    .build());
        }

        MultiDataSet batch() {
            return TestData.classification(DataType.FLOAT, 5, EXAMPLES, CLASSES, example);
        }
    }

    private static Stream<Named<Case>> cases() {
        return Stream.of(
                Named.of("maps with channels last", maps(CNN2DFormat.NHWC, 8, 7, 3)),
                Named.of("maps with channels first", maps(CNN2DFormat.NCHW, 3, 8, 7)),
                Named.of(
                        "flat maps",
                        new Case(
                                InputType.convolutionalFlat(8, 7, 2),
                                List.of(convolution(CNN2DFormat.NCHW), TestGraphs.maxPool(), TestGraphs.dense(9)),
                                8 * 7 * 2)),
                Named.of(
                        "sequences",
                        new Case(
                                InputType.recurrent(5, 12),
                                List.of(
                                        new Convolution1DLayer.Builder(3)
                                                .convolutionMode(ConvolutionMode.Causal)
                                                .dilation(2)
                                                .nOut(6)
                                                .build(),
                                        new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.MAX, 2, 2).build(),
                                        new SimpleRnn.Builder().nOut(5).build(),
                                        TestGraphs.dense(6),
                                        new LastTimeStep(
                                                new LSTM.Builder().nOut(4).build())),
                                5,
                                12)));
    }

    private static Layer convolution(CNN2DFormat format) {
        return new ConvolutionLayer.Builder(3, 3)
                .convolutionMode(ConvolutionMode.Same)
                .nOut(5)
                .dataFormat(format)
                .build();
    }

    private static Case maps(CNN2DFormat format, long... example) {
        return new Case(
                InputType.convolutional(8, 7, 3, format),
                List.of(
                        convolution(format),
                        new ZeroPaddingLayer.Builder(0, 0, 1, 0)
                                .dataFormat(format)
                                .build(),
                        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG)
                                .kernelSize(2, 2)
                                .stride(2, 2)
                                .dataFormat(format)
                                .build(),
                        new Upsampling2D.Builder(2).dataFormat(format).build(),
                        new Deconvolution2D.Builder(3, 3)
                                .stride(2, 2)
                                .nOut(4)
                                .dataFormat(format)
                                .build(),
                        new Cropping2D.Builder(1, 2, 3, 0).dataFormat(format).build(),
                        TestGraphs.dense(6)),
                example);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void sameGradientAsPlainFit(Case network) {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
        ComputationGraph graph = network.graph();
        assertThat(EngineLayers.vertices(graph, KernelChoice.all(Kernels.FAST)))
                .hasSize(network.layers().size());
        MultiDataSet batch = network.batch();
        for (Schedule schedule : List.of(Schedules.oneForwardOneBackward(), Schedules.zeroBubble())) {
            for (int stages = 1; stages <= 3; stages++) {
                for (int microBatches : new int[] {1, 3}) {
                    try (PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(graph))
                            .plan(SameResult.evenPlan(graph, stages, microBatches))
                            .schedule(schedule)
                            .build()) {
                        SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
                        SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
                    }
                }
            }
        }
    }
}
