package io.github.dl4jpipeline.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;

/** Invariant 6: what cannot be pipelined is said before training, by name, with what to do instead. */
class UnsupportedTest {

    /** An activation function that is another one after its configuration has been written and read. */
    @SuppressWarnings("serial")
    public static final class Forgetful extends ActivationTanH {
        private final transient int given;

        public Forgetful() {
            this(0);
        }

        Forgetful(int given) {
            this.given = given;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Forgetful forgetful && forgetful.given == given;
        }

        @Override
        public int hashCode() {
            return given;
        }
    }

    private static ComputationGraph unsupported() {
        return TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer(
                        "dense",
                        new DenseLayer.Builder()
                                .nIn(6)
                                .nOut(8)
                                .activation(new Forgetful(1))
                                .build(),
                        "values")
                .addLayer("output", TestGraphs.softmax(8, 3), "dense")
                .setOutputs("output")
                .build());
    }

    @Test
    void layersThatAreOthersAfterTheirConfigurationIsRead() {
        PipelineBuilder builder = PipelineComputationGraph.builder(unsupported());
        assertThatThrownBy(builder::build)
                .isInstanceOf(UnsupportedGraphException.class)
                .hasMessageContaining("'dense'");
    }

    /** Deeplearning4j itself cannot train them so. */
    @Test
    void truncatedBackpropagationOfBothDirections() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("steps")
                .setInputTypes(InputType.recurrent(4, 6))
                .addLayer("both", new Bidirectional(new LSTM.Builder().nOut(5).build()), "steps")
                .addLayer(
                        "output",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(3)
                                .build(),
                        "both")
                .setOutputs("output")
                .validateTbpttConfig(false)
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(2)
                .build());
        PipelineBuilder builder = PipelineComputationGraph.builder(graph);
        assertThatThrownBy(builder::build)
                .isInstanceOf(UnsupportedGraphException.class)
                .hasMessageContaining("truncated backpropagation through time")
                .hasMessageContaining("'both'")
                .hasMessageContaining("BackpropType.Standard");
    }

    @Test
    void plainFitWhereTheUserAsksForIt() {
        ComputationGraph graph = unsupported();
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 5, 3, 6);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch));
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plainFitIfUnsupported().build()) {
            net.fit(batch);
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-12);
            assertThatThrownBy(net::plan).hasMessageContaining("cannot be pipelined");
        }
    }

    /** Listeners may close the pipeline there, too: the step that runs has no effect, or is the last one. */
    @ParameterizedTest
    @CsvSource({"forward, 0", "backward, 1", "done, 1"})
    void listenersMayCloseAPlainFit(String call, int steps) {
        ComputationGraph graph = unsupported();
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 5, 3, 6);
        ComputationGraph expected = SameResult.plain(graph, Collections.nCopies(steps, batch));
        PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plainFitIfUnsupported().build();
        net.setListeners(new BaseTrainingListener() {
            @Override
            public void onForwardPass(Model model, Map<String, INDArray> activations) {
                close("forward");
            }

            @Override
            public void onBackwardPass(Model model) {
                close("backward");
            }

            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                close("done");
            }

            private void close(String from) {
                if (from.equals(call)) {
                    net.close();
                }
            }
        });
        assertThatThrownBy(() -> {
                    net.fit(batch);
                    net.fit(batch);
                })
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), 1e-12);
        assertThat(graph.getIterationCount()).isEqualTo(steps);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void layersMayNotCloseAPlainFit(boolean forward) {
        Probe probe = new Probe();
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .optimizationAlgo(OptimizationAlgorithm.LBFGS)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addVertex("probe", probe.vertex(), "dense")
                .addLayer("output", TestGraphs.softmax(8, 3), "probe")
                .setOutputs("output")
                .build());
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 6);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plainFitIfUnsupported().build()) {
            Runnable close = net::close;
            if (forward) {
                probe.onForward(close);
            } else {
                probe.onBackward(close);
            }
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("close() was called by a layer");
            probe.reset();
            net.fit(batch);
        } finally {
            probe.close();
        }
    }

    @Test
    void otherSolvers() {
        PipelineBuilder builder = PipelineComputationGraph.builder(TestGraphs.graph(
                TestGraphs.dense(DataType.DOUBLE, settings -> settings.optimizationAlgo(OptimizationAlgorithm.LBFGS))));
        assertThatThrownBy(builder::build)
                .isInstanceOf(UnsupportedGraphException.class)
                .hasMessageContaining("LBFGS");
    }

    @Test
    void anOutputWithoutALoss() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .setOutputs("dense")
                .validateOutputLayerConfig(false)
                .build();
        PipelineBuilder builder = PipelineComputationGraph.builder(TestGraphs.graph(configuration));
        assertThatThrownBy(builder::build)
                .isInstanceOf(UnsupportedGraphException.class)
                .hasMessageContaining("output 'dense'")
                .hasMessageContaining("OutputLayer");
    }

    @Test
    void pretrainingAndGradientSharing() {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(
                        TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings)))
                .build()) {
            assertThatThrownBy(() -> net.pretrain(new ListDataSetIterator<>(List.of())))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("wrapped graph");
            assertThatThrownBy(() -> net.pretrainLayer("dense1", new ListDataSetIterator<>(List.of())))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> net.setGradientsAccumulator(null))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void aLossThatMovesClassCenters() {
        CenterLossOutputLayer output = new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nIn(8)
                .nOut(3)
                .build();
        assertOneMicroBatchWithTheSameResult(DataType.DOUBLE, output, 1e-10);
    }

    @Test
    void aLossOverTheWholeBatch() {
        OutputLayer output = new OutputLayer.Builder(new LossFMeasure())
                .activation(Activation.SOFTMAX)
                .nIn(8)
                .nOut(2)
                .build();
        // The loss itself works in single precision only.
        assertOneMicroBatchWithTheSameResult(DataType.FLOAT, output, 2e-5);
    }

    private static void assertOneMicroBatchWithTheSameResult(DataType type, BaseOutputLayer output, double tolerance) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addLayer("output", output, "dense")
                .setOutputs("output")
                .build());
        int classes = (int) output.getNOut();
        List<MultiDataSet> batches = TestData.several(3, seed -> TestData.classification(type, seed, 11, classes, 6));
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .microBatches(4)
                .build()) {
            batches.forEach(net::fit);
            assertThat(net.plan().microBatches()).isEqualTo(1);
            assertThat(net.plan().explain()).contains("'output'");
            SameResult.assertSame(net, expected, tolerance);
        }
    }

    @Test
    void codeOfTheUserIsSplitOnlyIfTheUserVouchesForIt() {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addVertex("own", new ProbeVertex(), "dense")
                .addLayer("output", TestGraphs.softmax(8, 3), "own")
                .setOutputs("output")
                .build();
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 64, 3, 6);
        ComputationGraph graph = TestGraphs.graph(configuration);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 64))
                .microBatches(4)
                .build()) {
            net.fit(batch);
            assertThat(net.plan().microBatches()).isEqualTo(1);
            assertThat(net.plan().explain())
                    .contains(
                            "1 micro-batch instead of 4",
                            "'own'",
                            ProbeVertex.class.getName(),
                            "exampleIndependent(ProbeVertex.class)");
        }
        PipelineBuilder planned = PipelineComputationGraph.builder(graph).plan(SameResult.evenPlan(graph, 2, 4));
        assertThatThrownBy(planned::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(ProbeVertex.class.getName())
                .hasMessageContaining("exampleIndependent(ProbeVertex.class)");
        assertThatThrownBy(() -> planned.exampleIndependent((Class<?>) null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("exampleIndependent");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 64))
                .microBatches(4)
                .exampleIndependent(ProbeVertex.class)
                .build()) {
            net.fit(batch);
            assertThat(net.plan().microBatches()).isEqualTo(4);
        }
    }
}
