package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Weight gradients of several micro-batches that are computed at once, with the result of plain fit. */
class GatheredGradientsTest {
    /** In 4 micro-batches: 5, 6, 6, 6. In 6, rows of a convolution fill their memory before the last one. */
    private static final int UNEVEN = 23;

    private static final int MANY = 60;

    private final Probe probe = new Probe();
    private final ComputationGraph graph = graph();

    @AfterEach
    void closeProbe() {
        probe.close();
    }

    private ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("maps")
                .setInputTypes(InputType.convolutional(2, 2, 64))
                .addLayer(
                        "convolution",
                        new ConvolutionLayer.Builder(3, 3)
                                .padding(1, 1)
                                .nOut(128)
                                .activation(Activation.RELU)
                                .build(),
                        "maps")
                .addLayer("wide", dense(160, true), "convolution")
                .addVertex("probe", probe.vertex(), "wide")
                .addLayer("narrow", dense(96, false), "probe")
                .addLayer("output", TestGraphs.softmax(4), "narrow")
                .setOutputs("output")
                .build());
    }

    private static DenseLayer dense(int outputs, boolean bias) {
        return new DenseLayer.Builder()
                .nOut(outputs)
                .hasBias(bias)
                .activation(Activation.TANH)
                .build();
    }

    private static MultiDataSet batch(int examples) {
        return TestData.classification(DataType.FLOAT, examples, examples, 4, 64, 2, 2);
    }

    private static PipelineComputationGraph pipeline(ComputationGraph graph, PartitionPlan plan, Schedule schedule) {
        return PipelineComputationGraph.builder(SameResult.copy(graph))
                .plan(plan)
                .schedule(schedule)
                .exampleIndependent(ProbeVertex.class)
                .build();
    }

    private void assertSame(PipelineComputationGraph net, MultiDataSet batch) {
        SameResult.assertSameGradient(SameResult.gradient(net, batch), graph, batch);
    }

    private void assertSame(PartitionPlan plan, Schedule schedule, int examples) {
        try (PipelineComputationGraph net = pipeline(graph, plan, schedule)) {
            assertSame(net, batch(examples));
            assertSame(net, batch(examples)); // whose sums find those of the step before
        }
    }

    static List<Schedule> schedules() {
        return Network.schedules().toList();
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void anyCut(Schedule schedule) {
        for (int stages = 1; stages <= 4; stages++) {
            assertSame(SameResult.evenPlan(graph, stages, 4), schedule, UNEVEN);
            assertSame(SameResult.evenPlan(graph, stages, 6), schedule, MANY);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void replicasAndRecomputation(Schedule schedule) {
        assertSame(SameResult.evenPlan(graph, List.of(2), 7), schedule, UNEVEN);
        assertSame(SameResult.evenPlan(graph, List.of(1, 2), 5), schedule, UNEVEN);
        assertSame(SameResult.evenPlan(graph, List.of(3, 1), 4), schedule, UNEVEN);
        assertSame(SameResult.recomputing(SameResult.evenPlan(graph, 2, 4)), schedule, UNEVEN);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void batchesOfOtherSizesAndNoGrowth(Schedule schedule) {
        List<MultiDataSet> batches = List.of(batch(MANY), batch(UNEVEN), batch(3), batch(1), batch(40));
        try (PipelineComputationGraph net = pipeline(graph, SameResult.evenPlan(graph, 2, 4), schedule)) {
            batches.forEach(batch -> assertSame(net, batch));
            batches.forEach(batch -> assertSame(net, batch));
            long before = SameResult.stageBytes(net);
            batches.forEach(batch -> assertSame(net, batch));
            assertThat(SameResult.stageBytes(net)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void aStepThatFailsLeavesNothing(Schedule schedule) {
        MultiDataSet batch = batch(UNEVEN);
        for (int stages = 1; stages <= 2; stages++) {
            try (PipelineComputationGraph net = pipeline(graph, SameResult.evenPlan(graph, stages, 4), schedule)) {
                assertSame(net, batch);
                AtomicInteger calls = new AtomicInteger();
                probe.onBackward(() -> {
                    if (calls.incrementAndGet() == 3) {
                        throw new IllegalStateException("out of paper");
                    }
                });
                assertThatThrownBy(() -> SameResult.gradient(net, batch)).isInstanceOf(PipelineException.class);
                probe.reset();
                assertSame(net, batch);
            }
        }
    }

    /**
     * Sums of the third micro-batch's input are infinite, so that Deeplearning4j's layer runs the convolution from then on. The
     * gradient is finite.
     */
    @ParameterizedTest
    @MethodSource("schedules")
    void aLayerThatTheEngineRunsForSomeMicroBatchesOnly(Schedule schedule) {
        float huge = 1e36f;
        graph.getLayer("convolution").getParam("W").divi(huge);
        MultiDataSet batch = batch(24);
        INDArray maps = batch.getFeatures(0);
        Transforms.sign(maps, false).muli(huge);
        for (int example = 12; example < 18; example++) {
            maps.slice(example).assign(Transforms.abs(maps.slice(example), true));
        }
        for (int stages = 1; stages <= 2; stages++) {
            try (PipelineComputationGraph net = pipeline(graph, SameResult.evenPlan(graph, stages, 4), schedule)) {
                Map<String, INDArray> actual = SameResult.gradient(net, batch);
                Map<String, INDArray> expected = SameResult.gradient(SameResult.copy(graph), batch);
                for (String parameter : List.of("convolution_W", "convolution_b")) {
                    assertThat(SameResult.difference(actual.get(parameter), expected.get(parameter)))
                            .as("%s, %d stages", parameter, stages)
                            .isLessThan(1e-4);
                }
            }
        }
    }

    /** What the stage holds beside a plan with one micro-batch of the same size. */
    @Test
    void theMemoryIsCounted() {
        PartitionPlan plan = SameResult.evenPlan(graph, 1, 4);
        try (PipelineComputationGraph whole = pipeline(graph, plan, Schedules.oneForwardOneBackward());
                PipelineComputationGraph alone = pipeline(graph, plan, Schedules.oneForwardOneBackward())) {
            SameResult.gradient(whole, batch(24));
            SameResult.gradient(alone, batch(1));
            long rowsOfConvolution = 24 * 4 * (576 + 128);
            long rowsOfDense = 24 * (512 + 160 + 160 + 96);
            assertThat(SameResult.stageBytes(whole) - SameResult.stageBytes(alone))
                    .isGreaterThanOrEqualTo((rowsOfConvolution + rowsOfDense) * Float.BYTES);
        }
    }
}
