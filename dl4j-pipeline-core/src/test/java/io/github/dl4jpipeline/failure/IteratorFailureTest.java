package io.github.dl4jpipeline.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.CrashReportingUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/** Whatever an iterator does wrong is an error that names it, after all batches before, and ends its thread. */
@Timeout(120)
class IteratorFailureTest {
    private static final int GOOD = 3;

    private final DataSet batch = TestData.single(TestData.classification(DataType.DOUBLE, 3, 8, 3, 6));
    private final ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings));

    @BeforeEach
    void noCrashDumps() {
        CrashReportingUtil.crashDumpsEnabled(false);
    }

    @AfterEach
    void reset() {
        CrashReportingUtil.crashDumpsEnabled(true);
    }

    private enum Fault {
        NULL("next() has returned null"),
        THROWS("disk on fire"),
        OUT_OF_MEMORY("no more room"),
        HAS_NEXT_THROWS("disk on fire"),
        NO_FEATURES("no features"),
        NO_LABELS("no labels"),
        TOO_WIDE("'dense1'"),
        OTHER_LABELS("'output'"),
        ENDS_ITS_THREAD("has died");

        final String message;

        Fault(String message) {
            this.message = message;
        }
    }

    private PipelineComputationGraph pipeline() {
        return PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build();
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void readAhead(Fault fault) {
        assertNamed(fault, true, net -> net.fit(new Faulty(fault, GOOD, true)));
    }

    @ParameterizedTest
    @EnumSource(value = Fault.class, mode = EnumSource.Mode.EXCLUDE, names = "ENDS_ITS_THREAD")
    void readInTurn(Fault fault) {
        assertNamed(fault, false, net -> net.fit(new Faulty(fault, GOOD, false), 1));
    }

    /** An iterator that users wrap themselves is named as what they hand over. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofMultiDataSets(boolean readAhead) {
        try (PipelineComputationGraph net = pipeline()) {
            MultiDataSetIterator wrapped = new MultiDataSetIteratorAdapter(new Faulty(Fault.THROWS, GOOD, readAhead));
            assertThatThrownBy(() -> net.fit(wrapped))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("batch " + GOOD + " of " + MultiDataSetIteratorAdapter.class.getName());
            assertThat(net.getIterationCount()).isEqualTo(GOOD);
        }
    }

    private interface Fit {
        void of(PipelineComputationGraph net);
    }

    private void assertNamed(Fault fault, boolean readAhead, Fit fit) {
        List<org.nd4j.linalg.dataset.api.MultiDataSet> good = Collections.nCopies(GOOD + 2, batch.toMultiDataSet());
        ComputationGraph expected = SameResult.plain(graph, good);
        long threadsBefore = readers().count();
        try (PipelineComputationGraph net = pipeline()) {
            assertThatThrownBy(() -> fit.of(net))
                    .isInstanceOf(fault == Fault.OUT_OF_MEMORY ? OutOfMemoryError.class : PipelineException.class)
                    .hasMessageContaining("batch " + GOOD + " of " + Faulty.class.getName())
                    .hasMessageContaining(fault.message);
            assertThat(net.getIterationCount()).isEqualTo(GOOD);
            assertThat(net.getEpochCount()).isZero();
            net.fit(new Faulty(Fault.NULL, Integer.MAX_VALUE, readAhead).endAfter(2));
            assertThat(net.getEpochCount()).isEqualTo(1);
            SameResult.assertSame(net.paramTable(), expected.paramTable(), 1e-10);
        }
        await().untilAsserted(() -> assertThat(readers().count()).isLessThanOrEqualTo(threadsBefore));
    }

    @ParameterizedTest
    @CsvSource({"THROWS, batch 0 of", "NULL, batch 0 of", "HAS_NEXT_THROWS, batch 0 of"})
    void theFirstBatch(Fault fault, String place) {
        INDArray before = graph.params().dup();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            assertThatThrownBy(() -> net.fit(new Faulty(fault, 0, true)))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining(place)
                    .hasMessageContaining(fault.message);
            assertThat(net.params()).isEqualTo(before);
            net.fit(batch);
        }
    }

    @Test
    void aBatchWithoutAnIterator() {
        INDArray before = graph.params().dup();
        try (PipelineComputationGraph net = pipeline()) {
            List<MultiDataSet> bad = List.of(
                    new MultiDataSet(new INDArray[0], new INDArray[] {batch.getLabels()}),
                    new MultiDataSet(new INDArray[] {null}, new INDArray[] {batch.getLabels()}),
                    new MultiDataSet(new INDArray[] {Nd4j.empty(DataType.DOUBLE)}, new INDArray[] {batch.getLabels()}),
                    new MultiDataSet(new INDArray[] {batch.getFeatures()}, new INDArray[] {null}),
                    new MultiDataSet(
                            new INDArray[] {batch.getFeatures(), batch.getFeatures()},
                            new INDArray[] {batch.getLabels()}));
            for (MultiDataSet data : bad) {
                assertThatThrownBy(() -> net.fit(data))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("The batch has");
            }
            assertThat(net.params()).isEqualTo(before);
            assertThat(net.getIterationCount()).isZero();
        }
    }

    @Test
    void anInterruptWhileWaitingForABatch() throws InterruptedException {
        Thread[] caller = new Thread[1];
        Throwable[] thrown = new Throwable[1];
        boolean[] flag = new boolean[1];
        try (PipelineComputationGraph net = pipeline()) {
            Faulty slow = new Faulty(Fault.THROWS, GOOD, true).whenFaulty(() -> {
                caller[0].interrupt();
                try {
                    Thread.sleep(60_000); // until the reader is shut down
                    return "not interrupted";
                } catch (InterruptedException e) {
                    return "interrupted";
                }
            });
            caller[0] = new Thread(() -> {
                try {
                    net.fit(slow);
                } catch (RuntimeException e) {
                    thrown[0] = e;
                    flag[0] = Thread.currentThread().isInterrupted();
                }
            });
            caller[0].start();
            caller[0].join();
            assertThat(thrown[0]).isInstanceOf(PipelineException.class).hasMessageContaining("Interrupted");
            assertThat(flag[0]).isTrue();
        }
    }

    private static Stream<Thread> readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().contains("AMDSI"));
    }

    /** Gives the same batch a number of times, then does something wrong. */
    private final class Faulty implements DataSetIterator {
        private static final long serialVersionUID = 1;

        private final Fault fault;
        private final IntPredicate isBad;
        private final boolean readAhead;
        private int end = Integer.MAX_VALUE;
        private int given;
        private transient Supplier<String> action = () -> "";

        Faulty(Fault fault, int good, boolean readAhead) {
            this.fault = fault;
            this.isBad = number -> number == good;
            this.readAhead = readAhead;
        }

        Faulty endAfter(int batches) {
            end = batches;
            return this;
        }

        Faulty whenFaulty(Supplier<String> value) {
            action = value;
            return this;
        }

        @Override
        public boolean hasNext() {
            if (isBad.test(given) && fault == Fault.HAS_NEXT_THROWS) {
                throw failure();
            }
            return given < end;
        }

        @Override
        public DataSet next() {
            if (!isBad.test(given++)) {
                return batch.copy();
            }
            return switch (fault) {
                case NULL -> null;
                case THROWS -> throw failure();
                case OUT_OF_MEMORY -> throw new OutOfMemoryError("no more room");
                case NO_FEATURES -> new DataSet(null, batch.getLabels());
                case NO_LABELS -> new DataSet(batch.getFeatures(), null);
                case TOO_WIDE -> new DataSet(Nd4j.rand(DataType.DOUBLE, 8, 7), batch.getLabels());
                case OTHER_LABELS -> new DataSet(batch.getFeatures(), Nd4j.rand(DataType.DOUBLE, 8, 4));
                case ENDS_ITS_THREAD -> {
                    Thread.currentThread().interrupt();
                    yield batch.copy();
                }
                case HAS_NEXT_THROWS -> throw new AssertionError("not reached");
            };
        }

        private UncheckedIOException failure() {
            return new UncheckedIOException("disk on fire" + action.get(), new java.io.IOException());
        }

        @Override
        public boolean asyncSupported() {
            return readAhead;
        }

        @Override
        public boolean resetSupported() {
            return false;
        }

        @Override
        public void reset() {}

        @Override
        public DataSet next(int num) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int inputColumns() {
            return 6;
        }

        @Override
        public int totalOutcomes() {
            return 3;
        }

        @Override
        public int batch() {
            return 8;
        }

        @Override
        public void setPreProcessor(DataSetPreProcessor preProcessor) {}

        @Override
        public DataSetPreProcessor getPreProcessor() {
            return null;
        }

        @Override
        public List<String> getLabels() {
            return List.of();
        }
    }
}
