package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** Invariant 1 for dense layers so large that replicas share their weights. */
class JointDenseTest {
    private static final int INPUTS = 1030;
    private static final int CLASSES = 3;

    /** Neither 2 nor 3 divides the widths; the second layer has no bias; the first reads the features. */
    private static ComputationGraph graph(DataType type) {
        return TestGraphs.graph(TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("in")
                .addLayer("first", wide(INPUTS, 1021, Activation.RELU, true), "in")
                .addLayer("second", wide(1021, 1033, Activation.TANH, false), "first")
                .addLayer("output", TestGraphs.softmax(1033, CLASSES), "second")
                .setOutputs("output")
                .build());
    }

    private static DenseLayer wide(int in, int out, Activation activation, boolean bias) {
        return new DenseLayer.Builder()
                .nIn(in)
                .nOut(out)
                .activation(activation)
                .hasBias(bias)
                .build();
    }

    private static MultiDataSet batch(DataType type, int examples) {
        return TestData.classification(type, examples, examples, CLASSES, INPUTS);
    }

    private static List<MultiDataSet> batches(DataType type, int... examples) {
        return IntStream.of(examples).mapToObj(size -> batch(type, size)).toList();
    }

    private static PipelineBuilder replicas(ComputationGraph graph, int replicas, int stages) {
        return PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(replicas * stages))
                .profile(SameResult.evenProfile(graph, 16))
                .stages(stages)
                .replicas(replicas)
                .microBatches(replicas);
    }

    private static void assertSameAsPlain(ComputationGraph graph, List<MultiDataSet> batches, PipelineBuilder builder) {
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = builder.build()) {
            batches.forEach(net::fit);
            assertThat(net.plan().runsMicroBatchesTogether()).isTrue();
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void parametersInDoubleWithBatchesOfChangingSize(int replicas) {
        List<MultiDataSet> batches = batches(DataType.DOUBLE, 8, 5, 1, 2, 11);
        ComputationGraph graph = graph(DataType.DOUBLE);
        assertSameAsPlain(graph, batches, replicas(graph, replicas, 1));
    }

    @Test
    void gradientInFloat() {
        ComputationGraph graph = graph(DataType.FLOAT);
        MultiDataSet batch = batch(DataType.FLOAT, 16);
        var expected = SameResult.gradient(SameResult.copy(graph), batch);
        try (PipelineComputationGraph net = replicas(graph, 2, 1).build()) {
            SameResult.assertSame(SameResult.gradient(net, batch), expected, 2e-5);
        }
    }

    @Test
    void inTwoStagesWithActivationsComputedAgain() {
        List<MultiDataSet> batches = batches(DataType.DOUBLE, 8, 8, 3);
        ComputationGraph graph = graph(DataType.DOUBLE);
        assertSameAsPlain(graph, batches, replicas(graph, 2, 2).recompute(true));
    }

    @Test
    void besideAFrozenLayer() {
        ComputationGraph graph = graph(DataType.DOUBLE);
        graph.getVertex("first").setLayerAsFrozen();
        List<MultiDataSet> batches = batches(DataType.DOUBLE, 8, 6);
        assertSameAsPlain(graph, batches, replicas(graph, 2, 1));
    }

    @Test
    void withoutOtherLayersThatHaveParameters() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("wide", wide(INPUTS, 1021, Activation.TANH, true), "in")
                .addLayer("loss", new LossLayer.Builder(LossFunctions.LossFunction.MSE).build(), "wide")
                .setOutputs("loss")
                .build());
        List<MultiDataSet> batches = List.of(
                TestData.classification(DataType.DOUBLE, 1, 8, 1021, INPUTS),
                TestData.classification(DataType.DOUBLE, 2, 7, 1021, INPUTS));
        assertSameAsPlain(graph, batches, replicas(graph, 2, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void afterARecurrentLayerOfWhichItSeesSeveralRowsAnExample(int replicas) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("recurrent", new SimpleRnn.Builder().nIn(2).nOut(1030).build(), "in")
                .addLayer("wide", wide(1030, 1021, Activation.TANH, true), "recurrent")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder()
                                .nIn(1021)
                                .nOut(CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "wide")
                .setInputTypes(InputType.recurrent(2))
                .setOutputs("output")
                .build());
        List<MultiDataSet> batches = List.of(sequences(7), sequences(2));
        assertSameAsPlain(graph, batches, replicas(graph, replicas, 1));
    }

    private static MultiDataSet sequences(int examples) {
        return new org.nd4j.linalg.dataset.MultiDataSet(
                TestData.values(DataType.DOUBLE, examples, examples, 2, 4),
                TestData.values(DataType.DOUBLE, examples, examples, CLASSES, 4));
    }

    @Test
    void fewerOutputsThanReplicas() {
        int inputs = 1 << 19;
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addLayer("narrow", wide(inputs, 2, Activation.TANH, true), "in")
                .addLayer("output", TestGraphs.softmax(2, CLASSES), "narrow")
                .setOutputs("output")
                .build());
        List<MultiDataSet> batches = List.of(TestData.classification(DataType.DOUBLE, 1, 3, CLASSES, inputs));
        assertSameAsPlain(graph, batches, replicas(graph, 3, 1));
    }

    @Test
    @Timeout(120)
    void aMicroBatchThatFailsReleasesTheOtherAndTheNextStepWorks() {
        Probe probe = new Probe();
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("in")
                .addVertex("probe", probe.vertex(), "in")
                .addLayer("wide", wide(INPUTS, 1021, Activation.RELU, true), "probe")
                .addLayer("output", TestGraphs.softmax(1021, CLASSES), "wide")
                .setOutputs("output")
                .build());
        MultiDataSet batch = batch(DataType.DOUBLE, 8);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch));
        try (PipelineComputationGraph net =
                replicas(graph, 2, 1).exampleIndependent(ProbeVertex.class).build()) {
            net.fit(batch);
            INDArray before = graph.params().dup();
            AtomicInteger calls = new AtomicInteger();
            probe.onForward(() -> {
                if (calls.incrementAndGet() == 1) {
                    throw new IllegalStateException("out of paper");
                }
            });
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("'probe'")
                    .hasMessageContaining("of 2");
            assertThat(graph.params()).isEqualTo(before);
            probe.reset();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        } finally {
            probe.close();
        }
    }

    @Test
    void theSameBitsEveryTime() {
        ComputationGraph start = graph(DataType.FLOAT);
        MultiDataSet batch = batch(DataType.FLOAT, 13);
        INDArray first = trained(start, batch);
        for (int run = 0; run < 3; run++) {
            assertThat(trained(start, batch)).isEqualTo(first);
        }
    }

    private static INDArray trained(ComputationGraph start, MultiDataSet batch) {
        ComputationGraph graph = SameResult.copy(start);
        try (PipelineComputationGraph net = replicas(graph, 2, 1).build()) {
            for (int step = 0; step < 3; step++) {
                net.fit(batch);
            }
        }
        return graph.params().dup();
    }
}
