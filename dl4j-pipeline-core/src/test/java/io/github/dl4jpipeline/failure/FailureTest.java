package io.github.dl4jpipeline.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.util.CrashReportingUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.exception.ND4JOpProfilerException;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.profiler.ProfilerConfig;

/** Invariant 4: the first failure wins and names its place, nothing has changed, the next fit works, nothing hangs. */
@Timeout(120)
class FailureTest {
    private final Probe probe = new Probe();
    private final MultiDataSet batch = TestData.classification(DataType.DOUBLE, 3, 8, 3, 6);

    @BeforeEach
    void noCrashDumps() {
        CrashReportingUtil.crashDumpsEnabled(false);
    }

    @AfterEach
    void reset() {
        probe.close();
        CrashReportingUtil.crashDumpsEnabled(true);
    }

    private ComputationGraphConfiguration configuration() {
        return TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense1", TestGraphs.dense(6, 8), "values")
                .addVertex("probe", probe.vertex(), "dense1")
                .addLayer("dense2", TestGraphs.dense(8, 5), "probe")
                .addLayer("output", TestGraphs.softmax(5, 3), "dense2")
                .setOutputs("output")
                .build();
    }

    private static PipelineComputationGraph pipeline(ComputationGraph graph, int stages) {
        return pipeline(graph, stages, stages);
    }

    /** The probe is in stage 0 of 2, or in stage 1 of 3. */
    private static PipelineComputationGraph pipeline(ComputationGraph graph, int stages, int devices) {
        return PipelineComputationGraph.builder(graph)
                .plan(SameResult.inTurn(SameResult.evenPlan(graph, stages, 4), devices))
                .exampleIndependent(ProbeVertex.class)
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "2, 1, true",
        "2, 1, false",
        "2, 2, true",
        "2, 2, false",
        "3, 3, true",
        "3, 3, false",
        "3, 2, true",
        "3, 2, false"
    })
    void aVertexThatThrows(int stages, int devices, boolean forward) {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch));
        try (PipelineComputationGraph net = pipeline(graph, stages, devices)) {
            net.fit(batch);
            INDArray parameters = net.params().dup();
            INDArray state = net.getUpdater().getStateViewArray().dup();
            AtomicInteger calls = new AtomicInteger();
            Runnable failOnThird = () -> {
                if (calls.incrementAndGet() == 3) {
                    throw new IllegalStateException("out of paper");
                }
            };
            if (forward) {
                probe.onForward(failOnThird);
            } else {
                probe.onBackward(failOnThird);
            }
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("stage " + (stages - 2))
                    .hasMessageContaining("cpu-" + (stages - 2))
                    .hasMessageContaining("'probe'")
                    .hasMessageContaining("micro-batch 3 of 4")
                    .hasMessageContaining(forward ? "forward" : "backward")
                    .hasMessageContaining("out of paper")
                    .hasCauseInstanceOf(IllegalStateException.class);
            assertThat(net.params()).isEqualTo(parameters);
            assertThat(net.getUpdater().getStateViewArray()).isEqualTo(state);
            assertThat(net.getIterationCount()).isEqualTo(1);
            probe.reset();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void onlyTheFirstOfSeveralFailuresIsReported() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            probe.onForward(() -> {
                throw new IllegalStateException("first");
            });
            probe.onBackward(() -> {
                throw new IllegalStateException("second");
            });
            assertThatThrownBy(() -> net.fit(batch)).hasMessageContaining("first");
        }
    }

    @Test
    void outOfMemoryInAWorkerStaysOutOfMemory() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            probe.onBackward(() -> {
                throw new OutOfMemoryError("no more room");
            });
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessageContaining("'probe'")
                    .hasMessageContaining("no more room");
            probe.reset();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void nanPanic() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        INDArray before = graph.params().dup();
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            MultiDataSet broken = batch.copy();
            broken.getFeatures(0).putScalar(0, 0, Double.NaN);
            Nd4j.getExecutioner()
                    .setProfilingConfig(
                            ProfilerConfig.builder().checkForNAN(true).build());
            try {
                assertThatThrownBy(() -> net.fit(broken))
                        .isInstanceOf(PipelineException.class)
                        .hasMessageContaining("micro-batch 1 of 4")
                        .hasCauseInstanceOf(ND4JOpProfilerException.class);
            } finally {
                Nd4j.getExecutioner()
                        .setProfilingConfig(ProfilerConfig.builder().build());
            }
            assertThat(graph.params()).isEqualTo(before);
            net.fit(batch);
            assertThat(graph.params()).isNotEqualTo(before);
        }
    }

    /** Parameter gradients in tasks of their own; what overflows is nothing but a product of the first layer's gradient. */
    @Test
    void aFailureInAGradientTask() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        INDArray weights = graph.getLayer("dense1").getParam(DefaultParamInitializer.WEIGHT_KEY);
        weights.getRow(0).assign(0);
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        INDArray before = graph.params().dup();
        MultiDataSet huge = batch.copy();
        huge.getFeatures(0).putScalar(4, 0, 1e308); // of micro-batch 3; its weights are 0
        huge.getLabels(0).getRow(4).muli(1e6);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 4))
                .exampleIndependent(ProbeVertex.class)
                .schedule(Schedules.zeroBubble())
                .build()) {
            Nd4j.getExecutioner()
                    .setProfilingConfig(
                            ProfilerConfig.builder().checkForINF(true).build());
            try {
                assertThatThrownBy(() -> net.fit(huge))
                        .isInstanceOf(PipelineException.class)
                        .hasMessageContaining(
                                "stage 0 (device cpu-0), vertex 'dense1', micro-batch 3 of 4, weights pass")
                        .hasCauseInstanceOf(ND4JOpProfilerException.class);
            } finally {
                Nd4j.getExecutioner()
                        .setProfilingConfig(ProfilerConfig.builder().build());
            }
            assertThat(net.params()).isEqualTo(before);
            assertThat(net.getIterationCount()).isZero();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void wrongInputShape() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            MultiDataSet tooWide = TestData.classification(DataType.DOUBLE, 3, 8, 3, 7);
            assertThatThrownBy(() -> net.fit(tooWide))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("'dense1'");
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void wrongInputShapeInTheFirstBatchWhichIsProfiled() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .microBatches(2)
                .exampleIndependent(ProbeVertex.class)
                .build()) {
            MultiDataSet tooWide = TestData.classification(DataType.DOUBLE, 3, 8, 3, 7);
            assertThatThrownBy(() -> net.fit(tooWide)).hasMessageContaining("dense1");
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void interruptOfTheCaller(int workers) throws InterruptedException {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        probe.onForward(() -> {
            entered.countDown();
            uninterruptibly(release);
        });
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicReference<Boolean> flag = new AtomicReference<>();
        try (PipelineComputationGraph net = pipeline(graph, 2, workers)) {
            Thread caller = new Thread(() -> {
                try {
                    net.fit(batch);
                } catch (RuntimeException e) {
                    thrown.set(e);
                    flag.set(Thread.currentThread().isInterrupted());
                }
            });
            caller.start();
            entered.await();
            caller.interrupt();
            release.countDown();
            caller.join();
            assertThat(thrown.get())
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("Interrupted")
                    .hasCauseInstanceOf(InterruptedException.class);
            assertThat(flag.get()).isTrue();
            probe.reset();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void closeDuringAStepEndsIt(int workers) throws InterruptedException {
        ComputationGraph graph = TestGraphs.graph(configuration());
        INDArray before = graph.params().dup();
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        probe.onForward(() -> {
            entered.countDown();
            uninterruptibly(release);
        });
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        PipelineComputationGraph net = pipeline(graph, 2, workers);
        Thread caller = new Thread(() -> {
            try {
                net.fit(batch);
            } catch (RuntimeException e) {
                thrown.set(e);
            }
        });
        caller.start();
        entered.await();
        Thread closing = new Thread(net::close);
        closing.start();
        release.countDown();
        closing.join();
        caller.join();
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        assertThat(graph.params()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"1, true", "1, false", "2, true", "2, false"})
    void closeInALayerIsRefusedAtOnce(int stages, boolean forward) {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch));
        String thread = stages == 1 ? Thread.currentThread().getName() : "pipeline-";
        try (PipelineComputationGraph net = pipeline(graph, stages)) {
            if (forward) {
                probe.onForward(net::close);
            } else {
                probe.onBackward(net::close);
            }
            for (int time = 0; time < 2; time++) { // the second time with the same workers
                assertThatThrownBy(() -> net.fit(batch))
                        .isInstanceOf(PipelineException.class)
                        .hasMessageContaining("'probe'")
                        .cause()
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("close() was called by a layer, in thread " + thread)
                        .hasMessageContaining(stages == 1 ? "" : "-stage-0-cpu-0")
                        .hasMessageContaining("call it from a listener, or after");
            }
            probe.reset();
            net.fit(batch);
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void closeInALayerThatIsProfiledOrGivesOutputs() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            probe.onForward(net::close);
            assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("close() was called by a layer");
            for (int examples : new int[] {1, 8}) { // in this thread, or in several
                MultiDataSet some = TestData.classification(DataType.DOUBLE, 3, examples, 3, 6);
                assertThatThrownBy(() -> net.output(some.getFeatures()))
                        .hasStackTraceContaining("close() was called by a layer");
                assertThatThrownBy(() -> net.score(some)).hasStackTraceContaining("close() was called by a layer");
            }
            probe.reset();
            net.fit(batch);
            net.output(batch.getFeatures());
        }
    }

    @Test
    void fitInALayerIsRefusedAtOnce() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            probe.onForward(() -> net.fit(batch));
            assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("fit() was called by a layer");
            probe.onForward(() -> net.fit(new FailingIterator(batch, 1, false)));
            assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("fit() was called by a layer");
        }
    }

    /** A step that has its gradient is done; another does not begin. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void closeInAListener(boolean afterUpdate) {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        PipelineComputationGraph net = pipeline(graph, 2);
        net.setListeners(new BaseTrainingListener() {
            @Override
            public void onGradientCalculation(Model model) {
                if (!afterUpdate) {
                    net.close();
                }
            }

            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                net.close();
            }
        });
        assertThatThrownBy(() -> net.fit(new FailingIterator(batch, 5, true)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        SameResult.assertSame(graph, expected, 1e-10);
    }

    @Test
    void closeAtAnyMomentIsSaidToBeTheReason() throws InterruptedException {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings));
        for (int i = 0; i < 100; i++) {
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            PipelineComputationGraph net = pipeline(graph, 2, 1 + i / 50);
            Thread caller = new Thread(() -> {
                try {
                    net.fit(batch);
                } catch (RuntimeException e) {
                    thrown.set(e);
                }
            });
            caller.start();
            TimeUnit.MICROSECONDS.sleep(i % 2 * 50L * i);
            net.close();
            caller.join();
            if (thrown.get() != null) {
                assertThat(thrown.get())
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("closed");
            }
        }
    }

    @Test
    void aListenerThatThrowsAfterTheStepLeavesItCommittedCountedAndConstrained() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(
                DataType.DOUBLE, settings -> settings.constrainWeights(new MaxNormConstraint(0.5, 1))));
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch));
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    throw new IllegalStateException("disk full");
                }
            });
            assertThatThrownBy(() -> net.fit(batch))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("disk full");
            assertThat(net.getIterationCount()).isEqualTo(1);
            net.setListeners();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aListenerThatThrowsBeforeTheUpdateLeavesTheParameters(boolean onBackwardPass) {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        INDArray before = graph.params().dup();
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void onBackwardPass(Model model) {
                    if (onBackwardPass) {
                        throw new IllegalStateException("not now");
                    }
                }

                @Override
                public void onGradientCalculation(Model model) {
                    throw new IllegalStateException("not now");
                }
            });
            assertThatThrownBy(() -> net.fit(batch)).hasMessage("not now");
            assertThat(net.params()).isEqualTo(before);
            assertThat(net.getIterationCount()).isZero();
            net.setListeners();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anIteratorThatFailsMidEpoch(boolean readAhead) {
        ComputationGraph graph = TestGraphs.graph(configuration());
        ComputationGraph expected = SameResult.plain(graph, List.of(batch, batch, batch));
        long threadsBefore = readerThreads();
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            FailingIterator iterator = new FailingIterator(batch, 2, readAhead);
            assertThatThrownBy(() -> net.fit(iterator))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("batch 2 of " + FailingIterator.class.getName())
                    .cause()
                    .isInstanceOf(NoSuchElementException.class)
                    .hasMessage("bad sector");
            assertThat(net.getIterationCount()).isEqualTo(2);
            assertThat(net.getEpochCount()).isZero();
            net.fit(batch);
            SameResult.assertSame(net, expected, 1e-10);
        }
        await().untilAsserted(() -> assertThat(readerThreads()).isEqualTo(threadsBefore));
    }

    @Test
    void aFailedStepEndsTheThreadThatReadsAhead() {
        ComputationGraph graph = TestGraphs.graph(configuration());
        long threadsBefore = readerThreads();
        try (PipelineComputationGraph net = pipeline(graph, 2)) {
            probe.onForward(() -> {
                throw new IllegalStateException("out of paper");
            });
            MultiDataSetIterator endless = new FailingIterator(batch, Integer.MAX_VALUE, true);
            assertThatThrownBy(() -> net.fit(endless)).hasMessageContaining("out of paper");
        }
        await().untilAsserted(() -> assertThat(readerThreads()).isEqualTo(threadsBefore));
    }

    private static long readerThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().contains("AMDSI"))
                .count();
    }

    private static void uninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives the same batch a number of times, then fails. */
    private static final class FailingIterator implements MultiDataSetIterator {
        private static final long serialVersionUID = 1;

        private final transient MultiDataSet batch;
        private final int good;
        private final boolean readAhead;
        private int given;

        FailingIterator(MultiDataSet batch, int good, boolean readAhead) {
            this.batch = batch;
            this.good = good;
            this.readAhead = readAhead;
        }

        @Override
        public boolean hasNext() {
            return true;
        }

        @Override
        public MultiDataSet next() {
            if (given++ == good) {
                throw new NoSuchElementException("bad sector");
            }
            return batch.copy();
        }

        @Override
        public MultiDataSet next(int examples) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {}

        @Override
        public MultiDataSetPreProcessor getPreProcessor() {
            return null;
        }

        @Override
        public boolean resetSupported() {
            return false;
        }

        @Override
        public boolean asyncSupported() {
            return readAhead;
        }

        @Override
        public void reset() {}
    }
}
