package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.fixture.TwoThreads;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** What a pipeline shares with the graph that it wraps, and what it leaves behind. */
@Timeout(120)
class LifecycleTest {
    private final List<MultiDataSet> batches =
            TestData.several(6, seed -> TestData.classification(DataType.DOUBLE, seed, 11, 3, 6));

    private static ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings.updater(new Adam(0.01))));
    }

    @Test
    void theWrappedGraphIsCurrentAfterEveryFit() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .build()) {
            assertThat(net.params().data().address())
                    .isEqualTo(graph.params().data().address());
            for (MultiDataSet batch : batches) {
                net.fit(batch);
                assertThat(graph.params()).isEqualTo(net.params());
                assertThat(graph.getIterationCount()).isEqualTo(net.getIterationCount());
                assertThat(graph.getUpdater().getStateViewArray())
                        .isSameAs(net.getUpdater().getStateViewArray());
            }
        }
        SameResult.assertSame(graph.paramTable(), expected.paramTable(), 1e-10);
        assertThat(graph.getIterationCount()).isEqualTo(6);
    }

    @Test
    void trainingTheWrappedGraphBetweenStepsIsHarmless() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .build()) {
            for (int i = 0; i < batches.size(); i++) {
                (i % 2 == 0 ? net : graph).fit(batches.get(i));
            }
            SameResult.assertSame(net.paramTable(), expected.paramTable(), 1e-10);
            SameResult.assertSame(graph.paramTable(), expected.paramTable(), 1e-10);
        }
    }

    @Test
    void aLearningRateSetOnEitherHoldsForBoth() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.copy(graph);
        expected.fit(batches.get(0));
        expected.setLearningRate(0.05);
        expected.fit(batches.get(1));
        expected.setLearningRate("dense1", 0.2);
        expected.fit(batches.get(2));
        expected.fit(batches.get(3));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(2)
                .build()) {
            net.fit(batches.get(0));
            net.setLearningRate(0.05);
            net.fit(batches.get(1));
            graph.setLearningRate("dense1", 0.2);
            net.fit(batches.get(2));
            assertThat(graph.getLearningRate("dense2")).isEqualTo(0.05);
            graph.fit(batches.get(3));
            SameResult.assertSame(net.paramTable(), expected.paramTable(), 1e-10);
        }
    }

    @Test
    void updaterStateFromEarlierTrainingIsTakenOver() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, batches);
        graph.fit(batches.get(0));
        graph.fit(batches.get(1));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .stages(3)
                .build()) {
            batches.subList(2, 6).forEach(net::fit);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void theWrappedGraphsListenersAreTakenOver() {
        ComputationGraph graph = graph();
        AtomicInteger iterations = new AtomicInteger();
        TrainingListener listener = new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                assertThat(model).isInstanceOf(PipelineComputationGraph.class);
                iterations.incrementAndGet();
            }
        };
        graph.setListeners(listener);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .build()) {
            assertThat(net.getListeners()).containsExactly(listener);
            net.fit(batches.get(0));
            net.addListeners(new CollectScoresIterationListener());
            assertThat(net.getListeners()).hasSize(2);
            assertThat(graph.getListeners()).hasSize(1);
        }
        assertThat(iterations).hasValue(1);
    }

    @Test
    void closingTwiceHasNoEffectAndUseAfterwardsIsAnError() {
        ComputationGraph graph = graph();
        PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, 11))
                .build();
        net.fit(batches.get(0));
        net.close();
        net.close();
        MultiDataSet batch = batches.get(0);
        List<Runnable> uses = List.of(
                () -> net.fit(batch),
                () -> net.output(batch.getFeatures()),
                () -> net.score(batch),
                () -> net.feedForward(batch.getFeatures(), false),
                net::computeGradientAndScore);
        for (Runnable use : uses) {
            assertThatThrownBy(use::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        }
        graph.fit(batch);
        assertThat(graph.getIterationCount()).isEqualTo(2);
    }

    @Test
    void closingWithoutEverTraining() {
        PipelineComputationGraph net = PipelineComputationGraph.builder(graph()).build();
        assertThatThrownBy(net::plan).isInstanceOf(IllegalStateException.class).hasMessageContaining("first fit");
        net.close();
    }

    @Test
    void threadSettingsAndThreadsAreAsBefore() {
        try (TwoThreads ignored = new TwoThreads()) {
            int maxThreads = Nd4j.getEnvironment().maxThreads();
            try (PipelineComputationGraph net =
                    PipelineComputationGraph.builder(graph()).stages(2).build()) {
                net.fit(batches.get(0));
                assertThat(Nd4j.getEnvironment().maxThreads()).isEqualTo(maxThreads);
            }
            assertThat(Nd4j.getEnvironment().maxThreads()).isEqualTo(maxThreads);
            assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(2);
            assertThat(Nd4j.factory().blas().getMaxThreads()).isEqualTo(2);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("pipeline-"));
    }

    @Test
    void twoPipelinesTrainAtTheSameTime() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Callable<ComputationGraph>> trainings = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                trainings.add(() -> {
                    ComputationGraph graph = graph();
                    try (PipelineComputationGraph net =
                            PipelineComputationGraph.builder(graph).stages(2).build()) {
                        for (int round = 0; round < 5; round++) {
                            batches.forEach(net::fit);
                        }
                    }
                    return graph;
                });
            }
            ComputationGraph expected = graph();
            for (int round = 0; round < 5; round++) {
                batches.forEach(expected::fit);
            }
            for (Future<ComputationGraph> training : threads.invokeAll(trainings)) {
                SameResult.assertSame(training.get().paramTable(), expected.paramTable(), 1e-9);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aGivenProfileMakesAPlanBeforeTheFirstFit() {
        ComputationGraph graph = graph();
        GraphProfile profile = GraphProfiler.profile(graph, batches.get(0));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .stages(2)
                .microBatches(4)
                .profile(profile)
                .build()) {
            PartitionPlan plan = net.plan();
            assertThat(plan.stages()).hasSize(2);
            assertThat(plan.microBatches()).isEqualTo(4);
            net.fit(batches.get(0));
            assertThat(net.plan()).isSameAs(plan);
            assertThat(net.report().steps()).isEqualTo(1);
            assertThat(net.report().toString()).contains("stage 1 on cpu-1").contains("last step, ");
            assertThat(net.report().transfers()).isEmpty();
        }
    }

    @Test
    void profilingChangesNothing() {
        ComputationGraph graph = graph();
        graph.fit(batches.get(0));
        INDArray parameters = graph.params().dup();
        INDArray state = graph.getUpdater().getStateViewArray().dup();
        GraphProfiler.profile(graph, batches.get(0));
        assertThat(graph.params()).isEqualTo(parameters);
        assertThat(graph.getUpdater().getStateViewArray()).isEqualTo(state);
        assertThat(graph.getIterationCount()).isEqualTo(1);
    }

    @Test
    void aPipelineCannotBeWrapped() {
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph()).build()) {
            assertThatThrownBy(() -> PipelineComputationGraph.builder(net))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("pipeline already");
        }
    }

    @Test
    void badSettings() {
        PipelineBuilder builder = PipelineComputationGraph.builder(graph());
        assertThatThrownBy(() -> builder.stages(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("stages must be at least 1, got 0");
        assertThatThrownBy(() -> builder.microBatches(-1)).hasMessage("microBatches must be at least 1, got -1");
        assertThatThrownBy(() -> builder.stages(5).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("4 vertices")
                .hasMessageContaining("5 stages");
    }
}
