package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Dense layers at the end of a network that run several micro-batches as one, with the result of plain fit. */
class GroupedMicroBatchesTest {
    private static final int CLASSES = 4;

    static List<Schedule> schedules() {
        return Network.schedules().toList();
    }

    /** As AlexNet: convolutions, then dense layers. */
    private static ComputationGraph graph(DataType type, double kept) {
        return graph(TestGraphs.settings(type), kept);
    }

    private static ComputationGraph graph(NeuralNetConfiguration.Builder settings, double kept) {
        return TestGraphs.graph(maps(settings)
                .addLayer("wide", dense(48, kept), "pooling")
                .addLayer("narrow", dense(24, kept), "wide")
                .addLayer("output", TestGraphs.softmax(CLASSES), "narrow")
                .setOutputs("output")
                .build());
    }

    private static GraphBuilder maps(NeuralNetConfiguration.Builder settings) {
        return settings.graphBuilder()
                .addInputs("maps")
                .setInputTypes(InputType.convolutional(8, 8, 3))
                .addLayer("convolution", convolution(16), "maps")
                .addLayer("normalization", new LocalResponseNormalization.Builder().build(), "convolution")
                .addLayer("second", convolution(20), "normalization")
                .addLayer(
                        "pooling",
                        new SubsamplingLayer.Builder()
                                .kernelSize(2, 2)
                                .stride(2, 2)
                                .build(),
                        "second");
    }

    private static ConvolutionLayer convolution(int maps) {
        return new ConvolutionLayer.Builder(3, 3)
                .padding(1, 1)
                .nOut(maps)
                .activation(Activation.RELU)
                .build();
    }

    /** @param kept the share of inputs that dropout keeps; 1 for no dropout */
    private static DenseLayer dense(int outputs, double kept) {
        DenseLayer.Builder builder = new DenseLayer.Builder().nOut(outputs).activation(Activation.RELU);
        return (kept < 1 ? builder.dropOut(kept) : builder).build();
    }

    private static MultiDataSet batch(DataType type, int examples) {
        return TestData.classification(type, examples, examples, CLASSES, 3, 8, 8);
    }

    private static PartitionPlan grouping(PartitionPlan plan, int grouped) {
        List<Stage> stages = new ArrayList<>(plan.stages());
        stages.add(stages.remove(stages.size() - 1).grouping(grouped));
        return plan.withStages(stages);
    }

    private static PipelineBuilder builder(ComputationGraph graph, PartitionPlan plan, Schedule schedule) {
        return PipelineComputationGraph.builder(SameResult.copy(graph))
                .plan(plan)
                .schedule(schedule);
    }

    private static void assertSame(PipelineComputationGraph net, ComputationGraph graph, MultiDataSet batch) {
        SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void gradientsInFloat(Schedule schedule) {
        ComputationGraph graph = graph(DataType.FLOAT, 1);
        for (int stages = 1; stages <= 3; stages++) {
            for (int microBatches : new int[] {4, 8}) {
                for (int grouped : new int[] {2, 3, 4}) {
                    PartitionPlan plan = grouping(SameResult.evenPlan(graph, stages, microBatches), grouped);
                    assertThat(plan.grouped()).isEqualTo(grouped);
                    try (PipelineComputationGraph net =
                            builder(graph, plan, schedule).build()) {
                        for (int examples : new int[] {32, 23, 3, 1, 32}) {
                            assertSame(net, graph, batch(DataType.FLOAT, examples));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void parametersInDouble(Schedule schedule) {
        ComputationGraph graph = graph(DataType.DOUBLE, 1);
        List<MultiDataSet> batches =
                List.of(batch(DataType.DOUBLE, 16), batch(DataType.DOUBLE, 11), batch(DataType.DOUBLE, 5));
        ComputationGraph expected = SameResult.plain(graph, batches);
        for (int stages = 1; stages <= 3; stages++) {
            assertTrains(grouping(SameResult.evenPlan(graph, stages, 4), 2), schedule, graph, batches, expected);
            assertTrains(grouping(SameResult.evenPlan(graph, stages, 8), 4), schedule, graph, batches, expected);
        }
    }

    private static void assertTrains(
            PartitionPlan plan,
            Schedule schedule,
            ComputationGraph graph,
            List<MultiDataSet> batches,
            ComputationGraph expected) {
        try (PipelineComputationGraph net = builder(graph, plan, schedule).build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    /** Noise depends on the example, so one micro-batch is as good as many in groups. */
    @ParameterizedTest
    @MethodSource("schedules")
    void dropout(Schedule schedule) {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            ComputationGraph graph = graph(type, 0.6);
            List<MultiDataSet> batches = List.of(batch(type, 16), batch(type, 11), batch(type, 16));
            double tolerance = type == DataType.FLOAT ? 2e-5 : 1e-10;
            try (PipelineComputationGraph alone =
                    builder(graph, SameResult.evenPlan(graph, 1, 1), schedule).build()) {
                batches.forEach(alone::fit);
                for (int stages = 1; stages <= 3; stages++) {
                    try (PipelineComputationGraph net = builder(
                                    graph, grouping(SameResult.evenPlan(graph, stages, 4), 2), schedule)
                            .build()) {
                        batches.forEach(net::fit);
                        SameResult.assertSame(net, alone, tolerance);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void weightNoise(Schedule schedule) {
        ComputationGraph graph = graph(TestGraphs.settings(DataType.DOUBLE).weightNoise(new DropConnect(0.7)), 1);
        List<MultiDataSet> batches = List.of(batch(DataType.DOUBLE, 16), batch(DataType.DOUBLE, 11));
        try (PipelineComputationGraph alone =
                builder(graph, SameResult.evenPlan(graph, 1, 1), schedule).build()) {
            batches.forEach(alone::fit);
            for (int stages = 1; stages <= 3; stages++) {
                PartitionPlan plan = grouping(SameResult.evenPlan(graph, stages, 4), 2);
                try (PipelineComputationGraph net =
                        builder(graph, plan, schedule).build()) {
                    batches.forEach(net::fit);
                    SameResult.assertSame(net, alone, 1e-10);
                }
            }
        }
    }

    /** The regularization term is in the score once, also where a batch is one micro-batch. */
    @ParameterizedTest
    @MethodSource("schedules")
    void scores(Schedule schedule) {
        ComputationGraph graph = graph(TestGraphs.settings(DataType.DOUBLE).l2(0.01), 1);
        for (int stages = 1; stages <= 2; stages++) {
            PartitionPlan plan = grouping(SameResult.evenPlan(graph, stages, 4), 2);
            ComputationGraph expected = SameResult.copy(graph);
            try (PipelineComputationGraph net = builder(graph, plan, schedule).build()) {
                for (int examples : new int[] {16, 11, 1}) {
                    MultiDataSet batch = batch(DataType.DOUBLE, examples);
                    expected.fit(batch);
                    net.fit(batch);
                    assertThat(net.score()).as("%d examples", examples).isCloseTo(expected.score(), within(1e-10));
                }
            }
        }
    }

    /** One output reads maps, so it is not among the layers that are grouped; both read what is before them. */
    @ParameterizedTest
    @MethodSource("schedules")
    void severalOutputs(Schedule schedule) {
        ComputationGraph graph = TestGraphs.graph(maps(TestGraphs.settings(DataType.DOUBLE))
                .addLayer("wide", dense(48, 1), "pooling")
                .addLayer("one", TestGraphs.softmax(CLASSES), "wide")
                .addLayer("other", dense(10, 1), "pooling")
                .addLayer("function", new ActivationLayer(Activation.TANH), "other")
                .addLayer("two", TestGraphs.softmax(CLASSES), "function")
                .setOutputs("one", "two")
                .build());
        MultiDataSet half = batch(DataType.DOUBLE, 13);
        MultiDataSet batch = new org.nd4j.linalg.dataset.MultiDataSet(
                half.getFeatures(), new INDArray[] {half.getLabels(0), half.getLabels(0)});
        List<MultiDataSet> batches = List.of(batch, batch);
        ComputationGraph expected = SameResult.plain(graph, batches);
        for (int stages = 1; stages <= 3; stages++) {
            assertTrains(grouping(SameResult.evenPlan(graph, stages, 4), 2), schedule, graph, batches, expected);
        }
    }

    /** With masks each micro-batch runs alone. */
    @ParameterizedTest
    @MethodSource("schedules")
    void masksOfExamples(Schedule schedule) {
        ComputationGraph graph = graph(DataType.DOUBLE, 1);
        MultiDataSet batch = batch(DataType.DOUBLE, 12);
        INDArray mask = Nd4j.ones(DataType.DOUBLE, 12, 1);
        mask.putScalar(5, 0, 0);
        MultiDataSet masked = new org.nd4j.linalg.dataset.MultiDataSet(
                batch.getFeatures(), batch.getLabels(), null, new INDArray[] {mask});
        List<MultiDataSet> batches = List.of(masked, batch);
        ComputationGraph expected = SameResult.plain(graph, batches);
        assertTrains(grouping(SameResult.evenPlan(graph, 2, 4), 2), schedule, graph, batches, expected);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void listenersSeeAllActivations(Schedule schedule) {
        ComputationGraph graph = graph(DataType.DOUBLE, 1);
        List<INDArray> seen = new ArrayList<>();
        try (PipelineComputationGraph net = builder(graph, grouping(SameResult.evenPlan(graph, 2, 4), 2), schedule)
                .build()) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void onForwardPass(Model model, java.util.Map<String, INDArray> activations) {
                    seen.add(activations.get("narrow").dup());
                }
            });
            MultiDataSet batch = batch(DataType.DOUBLE, 10);
            INDArray expected = SameResult.copy(graph)
                    .feedForward(batch.getFeatures(), false)
                    .get("narrow");
            net.fit(batch);
            assertThat(seen).hasSize(1);
            assertThat(SameResult.difference(seen.get(0), expected)).isLessThan(1e-10);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void memoryDoesNotGrow(Schedule schedule) {
        ComputationGraph graph = graph(DataType.FLOAT, 1);
        try (PipelineComputationGraph net = builder(graph, grouping(SameResult.evenPlan(graph, 2, 8), 4), schedule)
                .build()) {
            List<MultiDataSet> batches = List.of(batch(DataType.FLOAT, 32), batch(DataType.FLOAT, 19));
            for (int step = 0; step < 5; step++) {
                batches.forEach(net::fit);
            }
            long before = SameResult.stageBytes(net);
            for (int step = 0; step < 5; step++) {
                batches.forEach(net::fit);
            }
            assertThat(SameResult.stageBytes(net)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void aStepThatFailsNamesThePlaceAndChangesNothing(Schedule schedule) {
        ComputationGraph graph = graph(DataType.FLOAT, 1);
        MultiDataSet batch = batch(DataType.FLOAT, 16);
        MultiDataSet wrong = new org.nd4j.linalg.dataset.MultiDataSet(
                batch.getFeatures(0), Nd4j.ones(DataType.FLOAT, 16, CLASSES + 1));
        for (int stages = 1; stages <= 2; stages++) {
            try (PipelineComputationGraph net = builder(
                            graph, grouping(SameResult.evenPlan(graph, stages, 4), 2), schedule)
                    .build()) {
                assertSame(net, graph, batch);
                String stage = "stage " + (stages - 1);
                assertThatThrownBy(() -> net.fit(wrong))
                        .isInstanceOf(PipelineException.class)
                        .hasMessageContaining("'output'")
                        .hasMessageContaining("micro-batch")
                        .hasMessageContainingAll(stage);
                assertSame(net, graph, batch);
            }
        }
    }

    @Test
    void whereMicroBatchesCannotBeGroupedTheyAreNot() {
        ComputationGraph graph = graph(DataType.DOUBLE, 1);
        List<MultiDataSet> batches = List.of(batch(DataType.DOUBLE, 16));
        ComputationGraph expected = SameResult.plain(graph, batches);
        for (PartitionPlan plan : List.of(
                SameResult.evenPlan(graph, List.of(1, 2), 4),
                SameResult.inTurn(SameResult.evenPlan(graph, 4, 4), 2),
                SameResult.recomputing(SameResult.evenPlan(graph, 2, 4)))) {
            PartitionPlan grouped = grouping(plan, 2);
            assertThat(grouped.grouped()).isEqualTo(1);
            assertTrains(grouped, plan.schedule(), graph, batches, expected);
        }
    }
}
