package io.github.dl4jpipeline.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.profile.Effort;
import io.github.dl4jpipeline.internal.profile.Profiling;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class GraphProfilerTest {

    @Test
    void everyVertexIsMeasuredAndSized() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        GraphProfile profile =
                GraphProfiler.profile(graph, TestData.classification(DataType.FLOAT, 1, 6, 4, 1, 14, 14));
        Map<String, VertexCost> costs =
                profile.vertices().stream().collect(Collectors.toMap(VertexCost::vertex, Function.identity()));
        assertThat(profile.examples()).isEqualTo(6);
        assertThat(profile.vertices().stream().map(VertexCost::vertex))
                .containsExactly("image", "conv1", "pool1", "conv2", "pool2", "dense", "output");
        assertThat(profile.vertices().subList(1, 6)).allSatisfy(cost -> {
            assertThat(cost.forwardMillis()).isPositive();
            assertThat(cost.backwardMillis()).isPositive();
            assertThat(cost.worstForwardMillis()).isGreaterThanOrEqualTo(cost.forwardMillis());
            assertThat(cost.worstBackwardMillis()).isGreaterThanOrEqualTo(cost.backwardMillis());
        });
        assertThat(profile.vertices()).allSatisfy(cost -> {
            assertThat(cost.fixedForwardMillis()).isBetween(0.0, cost.forwardMillis());
            assertThat(cost.fixedBackwardMillis()).isBetween(0.0, cost.backwardMillis());
        });
        assertThat(profile.machine().jointSpeed()).isPositive();
        assertThat(profile.machine().sharedSpeed()).isBetween(0.0, 1.0);
        assertThat(costs.get("image").millis()).isZero();
        assertThat(costs.get("output").backwardMillis()).isPositive();
        VertexCost conv1 = costs.get("conv1");
        assertThat(conv1.inputs()).containsExactly("image");
        assertThat(conv1.activationBytes()).isEqualTo(6 * 4 * 10 * 10 * 4);
        assertThat(conv1.parameterBytes()).isEqualTo((25 * 4 + 4) * 4);
        assertThat(conv1.gradientBytes()).isEqualTo(conv1.parameterBytes());
        assertThat(conv1.updaterBytes()).isEqualTo(conv1.parameterBytes()); // Nesterovs keeps one value each
        assertThat(conv1.apartBytes()).isIn(0L, conv1.gradientBytes()); // depends on which code is faster here
        assertThat(profile.vertices()).allSatisfy(cost -> {
            assertThat(cost.onceForwardMillis()).isBetween(0.0, cost.forwardMillis());
            assertThat(cost.onceBackwardMillis()).isBetween(0.0, cost.backwardMillis());
        });
    }

    /** What wide convolutions and dense layers keep for all micro-batches of a step. */
    @Test
    void whatMicroBatchesHaveInCommonIsSized() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 64))
                .addLayer("wide", TestGraphs.convolution(128), "image")
                .addLayer("pool", TestGraphs.maxPool(), "wide")
                .addLayer("dense", new DenseLayer.Builder().nOut(256).build(), "pool")
                .addLayer("output", TestGraphs.softmax(4), "dense")
                .setOutputs("output")
                .build());
        GraphProfile profile =
                GraphProfiler.profile(graph, TestData.classification(DataType.FLOAT, 1, 32, 4, 64, 8, 8));
        Map<String, VertexCost> costs =
                profile.vertices().stream().collect(Collectors.toMap(VertexCost::vertex, Function.identity()));
        VertexCost wide = costs.get("wide");
        assertThat(wide.packedBytes()).isGreaterThanOrEqualTo(64 * 128 * 9 * 4);
        assertThat(wide.apartBytes()).isIn(0L, (36 * 64 * 128 + 128) * 4L); // 0 where oneDNN has the algorithm
        VertexCost dense = costs.get("dense");
        assertThat(dense.apartBytes()).isBetween(1L, dense.gradientBytes());
        assertThat(costs.get("pool").apartBytes()).isZero();
        assertThat(costs.get("pool").laterMillis(1)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7})
    void fewExamplesForTheDevices(int examples) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        Devices devices = Devices.cpu(2);
        MultiDataSet sample = TestData.classification(DataType.FLOAT, 1, examples, 4, 1, 14, 14);
        GraphProfile profile = GraphProfiler.profile(graph, sample, devices);
        assertThat(profile.examples()).isEqualTo(examples);
        assertThat(profile.machine().sharedSpeed()).isBetween(0.0, 1.0).isPositive();
        assertThat(profile.machine().jointSpeed()).isPositive();
    }

    /** Deeplearning4j's {@code numParams} counts those of layers only. */
    @Test
    void aVertexThatIsNoLayerMayHaveParameters() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("steps")
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
                .addLayer("output", TestGraphs.softmax(3), "pool")
                .setOutputs("output")
                .build());
        assertThat(graph.numParams()).isLessThan(graph.params().length());
        VertexCost attention = GraphProfiler.profile(graph, TestData.sequences(DataType.FLOAT, 1, 5, 4, 3, 6, false))
                .vertices()
                .get(2);
        assertThat(attention.vertex()).isEqualTo("attention");
        assertThat(attention.parameterBytes()).isEqualTo(4 * 4 * 4 * 4);
    }

    /** A first profile of a graph that takes long has fewer examples. Plans for the whole batch follow from it. */
    @Test
    void aFirstProfileOfALargeGraphHasFewerExamples() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        MultiDataSet batch = TestData.classification(DataType.FLOAT, 1, 32, 4, 1, 14, 14);
        Effort first = Effort.FIRST;
        Effort atOnce = new Effort(
                first.brief(), first.warmUp(), first.least(), first.most(), first.nanos(), first.runsNanos(), 0);
        GraphProfile profile = Profiling.profile(
                graph,
                MicroBatch.whole(batch.getFeatures(), batch.getLabels(), null, null),
                Devices.cpu(2),
                Kernels.FAST,
                true,
                atOnce,
                progress -> assertThat(progress.done()).isBetween(1, progress.expected()));
        assertThat(profile.examples()).isBetween(1, 31);
        assertThat(profile.vertices().subList(1, 6)).allSatisfy(cost -> {
            assertThat(cost.forwardMillis()).isPositive();
            assertThat(cost.backwardMillis()).isPositive();
            assertThat(cost.activationBytes()).isNotNegative();
        });
        PartitionPlan plan =
                Planner.plan(profile, Devices.cpu(2), PlanOptions.defaults().withExamples(32));
        assertThat(plan.examples()).isEqualTo(32);
        assertThat(plan.predictedStepTime()).isPositive();
    }

    @Test
    void frozenVerticesHaveNoBackwardPass() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        graph.getVertex("conv1").setLayerAsFrozen();
        graph.getVertex("pool1").setLayerAsFrozen();
        GraphProfile profile =
                GraphProfiler.profile(graph, TestData.classification(DataType.FLOAT, 1, 6, 4, 1, 14, 14));
        VertexCost conv1 = profile.vertices().get(1);
        assertThat(conv1.backwardMillis()).isZero();
        assertThat(conv1.gradientBytes()).isZero();
        assertThat(conv1.parameterBytes()).isPositive();
    }

    @Test
    void aSampleThatDoesNotFit() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.FLOAT));
        assertThatThrownBy(
                        () -> GraphProfiler.profile(graph, TestData.classification(DataType.FLOAT, 1, 6, 4, 2, 14, 14)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Cannot profile")
                .hasMessageContaining("conv1");
    }
}
