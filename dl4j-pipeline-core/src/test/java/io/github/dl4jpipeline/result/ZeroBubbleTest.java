package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.SplitTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Backward passes split into errors and parameter gradients, where convolutions are products of matrices, which can be. */
class ZeroBubbleTest {
    private static final double TOLERANCE = 1e-10;

    @ParameterizedTest
    @EnumSource(Network.class)
    void sameResultAsPlainFit(Network network) {
        ComputationGraph start = network.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = network.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        GraphProfile profile = GraphProfiler.profile(start, batches.get(0));
        for (int stages = 2; stages <= 4; stages++) {
            for (int microBatches : new int[] {2, 7}) {
                assertSame(start, batches, expected, profile, SameResult.evenPlan(start, stages, microBatches));
            }
        }
        for (int seed = 0; seed < 4; seed++) {
            assertSame(start, batches, expected, profile, SameResult.randomPlan(start, 2 + seed % 3, 6, seed));
        }
        assertSame(start, batches, expected, profile, SameResult.evenPlan(start, List.of(1, 2), 5));
        assertSame(start, batches, expected, profile, SameResult.inTurn(SameResult.evenPlan(start, 4, 5), 2));
    }

    private static void assertSame(
            ComputationGraph start,
            List<MultiDataSet> batches,
            ComputationGraph expected,
            GraphProfile profile,
            PartitionPlan plan) {
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = pipeline(graph, profile, plan)) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    private static PipelineComputationGraph pipeline(ComputationGraph graph, GraphProfile profile, PartitionPlan plan) {
        return PipelineComputationGraph.builder(graph)
                .profile(profile)
                .plan(plan)
                .schedule(Schedules.zeroBubble())
                .build();
    }

    @Test
    void parameterGradientsHaveTasksOfTheirOwn() {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        MultiDataSet batch = Network.LENET.batches(DataType.FLOAT, 1).get(0);
        GraphProfile profile = GraphProfiler.profile(graph, batch);
        assertThat(profile.vertices().stream().filter(cost -> cost.weightMillis() > 0))
                .extracting(VertexCost::vertex)
                .contains("conv1", "dense"); // the first convolution's backward pass is nothing but its gradients
        try (PipelineComputationGraph net = pipeline(graph, profile, SameResult.evenPlan(graph, 2, 4))) {
            net.fit(batch);
            Timeline tasks = net.report().lastStep().orElseThrow().tasks();
            assertThat(tasks.spans().stream().filter(span -> span.task().pass() == Task.Pass.WEIGHTS))
                    .hasSize(8);
            assertThat(net.report().toString()).contains("A, B, ... their parameter gradients");
        }
    }

    @Test
    void thePlannerChoosesItAndItRuns() {
        ComputationGraph start = Network.LENET.graph(DataType.DOUBLE);
        List<MultiDataSet> batches = Network.LENET.batches(DataType.DOUBLE, 3);
        ComputationGraph expected = SameResult.plain(start, batches);
        GraphProfile measured = GraphProfiler.profile(start, batches.get(0));
        GraphProfile profile = new GraphProfile(
                measured.examples(),
                measured.device(),
                measured.repetitions(),
                MachineSpeed.UNKNOWN,
                Map.of(),
                measured.vertices().stream().map(ZeroBubbleTest::waiting).toList());
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .stages(2)
                .replicas(1)
                .microBatches(3)
                .profile(profile)
                .build()) {
            assertThat(net.plan().schedule()).isEqualTo(Schedules.zeroBubble());
            assertThat(net.plan().kind()).hasToString("zero-bubble pipeline");
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, TOLERANCE);
        }
    }

    /** The layers' code for ND4J's operations cannot add to gradients, where the convolutions are dilated; the engine's can. */
    @Test
    void gradientsThatWaitAreAddedWhereTheLayerItselfCannotAdd() {
        ConvolutionLayer.Builder convolution = new ConvolutionLayer.Builder(3, 3)
                .dilation(2, 2)
                .padding(2, 2)
                .nOut(64)
                .activation(Activation.TANH);
        ComputationGraph start = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(3)
                .updater(new Sgd(0.1))
                .dataType(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(3, 3, 64))
                .addLayer("first", convolution.build(), "image")
                .addLayer("second", convolution.build(), "first")
                .addLayer(
                        "out",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .nOut(4)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "second")
                .setOutputs("out")
                .build());
        start.init();
        List<MultiDataSet> batches = List.of(TestData.classification(DataType.FLOAT, 1, 6, 4, 64, 3, 3));
        ComputationGraph expected = SameResult.plain(start, batches);
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 3))
                .schedule(Schedules.zeroBubble())
                .build()) {
            batches.forEach(net::fit);
            SameResult.assertSame(net, expected, 2e-5);
        }
    }

    /** Every vertex takes as long forward, for its errors, and for gradients that can wait. */
    private static VertexCost waiting(VertexCost cost) {
        boolean moves = !cost.inputs().isEmpty();
        return new VertexCost(
                cost.vertex(),
                cost.inputs(),
                new PassTimes(moves ? 1 : 0, 0, moves ? 1 : 0),
                new PassTimes(moves ? 2 : 0, 0, moves ? 2 : 0),
                new SplitTimes(moves ? 1 : 0, 0),
                new VertexBytes(
                        cost.activationBytes(),
                        cost.parameterBytes(),
                        cost.gradientBytes(),
                        cost.updaterBytes(),
                        cost.apartBytes()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void memoryDoesNotGrow(boolean recompute) {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        MultiDataSet batch = Network.LENET.batches(DataType.FLOAT, 1).get(0);
        PartitionPlan plan = SameResult.evenPlan(graph, 2, 8);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(recompute ? SameResult.recomputing(plan) : plan)
                .schedule(Schedules.zeroBubble())
                .build()) {
            for (int step = 0; step < 5; step++) {
                net.fit(batch);
            }
            long before = SameResult.stageBytes(net);
            for (int step = 0; step < 10; step++) {
                net.fit(batch);
            }
            assertThat(SameResult.stageBytes(net)).isEqualTo(before);
        }
    }
}
