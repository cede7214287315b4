package io.github.dl4jpipeline.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.OwnUpdater;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.CrashReportingUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.exception.ND4JOpProfilerException;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.profiler.ProfilerConfig;
import org.nd4j.linalg.schedule.ISchedule;

/** Whatever fails in the update, and wherever: parameters, updater state and counts are bit for bit as before the step. */
@Timeout(300)
class UpdateFailureTest {
    private static final double OF_DOUBLES = 1e-10;
    private static final double OF_FLOATS = 2e-5;

    @BeforeEach
    void noCrashDumps() {
        CrashReportingUtil.crashDumpsEnabled(false);
        Fuse.replace();
    }

    @AfterEach
    void reset() {
        Fuse.replace();
        CrashReportingUtil.crashDumpsEnabled(true);
    }

    /** All of ND4J but AdaBelief, which it cannot instantiate. */
    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(0.1),
                new NoOp(),
                new Nesterovs(0.1, 0.9),
                new Adam(0.01),
                new AdaMax(0.01),
                new Nadam(0.01),
                new AMSGrad(0.01),
                new AdaGrad(0.1),
                new AdaDelta(),
                new RmsProp(0.01));
    }

    static Stream<Arguments> cases() {
        return updaters().flatMap(updater -> Stream.of(DataType.FLOAT, DataType.DOUBLE)
                .flatMap(type -> Stream.of(1, 2).map(stages -> Arguments.of(updater, type, stages))));
    }

    /** A schedule of a learning rate, of an L2 coefficient and of a weight decay. */
    @ParameterizedTest
    @MethodSource("cases")
    void schedules(IUpdater updater, DataType type, int stages) {
        IUpdater scheduled = updater.clone();
        if (updater.hasLearningRate()) {
            scheduled.setLrAndSchedule(Double.NaN, new FusedSchedule());
        }
        failAtEachPlace(
                type,
                stages,
                dense(6, 8, updater, new L2Regularization(new FusedSchedule())),
                dense(8, 5, scheduled),
                output(updater, new WeightDecay(new FusedSchedule(), true)));
    }

    /** Regularization before and after the updater, and an updater that fails half done. */
    @ParameterizedTest
    @MethodSource("cases")
    void codeOfTheUser(IUpdater updater, DataType type, int stages) {
        failAtEachPlace(
                type,
                stages,
                dense(6, 8, updater, new Before()),
                dense(8, 5, new HalfDone()),
                output(updater, new After()));
    }

    private static void failAtEachPlace(
            DataType type, int stages, DenseLayer first, DenseLayer second, OutputLayer out) {
        ComputationGraphConfiguration configuration = TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("values")
                .addLayer("first", first, "values")
                .addLayer("second", second, "first")
                .addLayer("output", out, "second")
                .setOutputs("output")
                .build();
        ComputationGraph graph = TestGraphs.graph(configuration);
        List<MultiDataSet> batches = TestData.several(3, seed -> TestData.classification(type, seed, 8, 3, 6));
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, stages, 2))
                .build()) {
            net.fit(batches.get(0));
            int before = Fuse.uses();
            net.fit(batches.get(1));
            int places = Fuse.uses() - before;
            for (int place : List.of(0, places / 2, places - 1)) {
                Fuse.blowAfter(place, place == places / 2);
                assertNoEffect(graph, net, batches.get(2));
                Fuse.replace();
            }
            net.fit(batches.get(2));
            SameResult.assertSame(net, expected, type == DataType.DOUBLE ? OF_DOUBLES : OF_FLOATS);
        }
    }

    private static void assertNoEffect(ComputationGraph graph, PipelineComputationGraph net, MultiDataSet batch) {
        INDArray parameters = net.params().dup();
        INDArray state = state(net);
        int steps = net.getIterationCount();
        assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("blown");
        assertThat(SameResult.difference(net.params(), parameters)).isZero();
        assertThat(SameResult.difference(graph.params(), parameters)).isZero();
        if (state != null) {
            assertThat(SameResult.difference(state(net), state)).isZero();
            assertThat(SameResult.difference(state(graph), state)).isZero();
        }
        assertThat(net.getIterationCount()).isEqualTo(steps);
        assertThat(graph.getIterationCount()).isEqualTo(steps);
        assertThat(net.getEpochCount()).isZero();
    }

    private static INDArray state(ComputationGraph graph) {
        INDArray state = graph.getUpdater().getStateViewArray();
        return state == null ? null : state.dup();
    }

    /** ND4J has changed the state when it finds the NaN. */
    @Test
    void aNanThatNd4jLooksFor() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(
                DataType.DOUBLE, settings -> settings.updater(new AdaGrad(new FusedSchedule(), 1e-6))));
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 6);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build()) {
            net.fit(batch);
            INDArray parameters = net.params().dup();
            INDArray state = state(net);
            Fuse.nanInsteadOfRate = true;
            Nd4j.getExecutioner()
                    .setProfilingConfig(
                            ProfilerConfig.builder().checkForNAN(true).build());
            try {
                assertThatThrownBy(() -> net.fit(batch)).hasRootCauseInstanceOf(ND4JOpProfilerException.class);
            } finally {
                Nd4j.getExecutioner()
                        .setProfilingConfig(ProfilerConfig.builder().build());
            }
            assertThat(SameResult.difference(net.params(), parameters)).isZero();
            assertThat(SameResult.difference(state(net), state)).isZero();
        }
    }

    private static DenseLayer dense(int in, int out, IUpdater updater, Regularization... terms) {
        DenseLayer layer =
                new DenseLayer.Builder().nIn(in).nOut(out).updater(updater).build();
        layer.setRegularization(List.of(terms));
        return layer;
    }

    private static OutputLayer output(IUpdater updater, Regularization... terms) {
        OutputLayer layer = new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nIn(5)
                .nOut(3)
                .updater(updater)
                .build();
        layer.setRegularization(List.of(terms));
        return layer;
    }

    /** Throws the next time but a few. */
    private static final class Fuse {
        private static final AtomicInteger USES = new AtomicInteger();
        private static volatile int last = Integer.MAX_VALUE;
        private static volatile boolean isError;
        private static volatile boolean nanInsteadOfRate;

        static void use() {
            if (USES.getAndIncrement() >= last) {
                if (isError) {
                    throw new OutOfMemoryError("blown");
                }
                throw new IllegalStateException("blown");
            }
        }

        static int uses() {
            return USES.get();
        }

        static void blowAfter(int uses, boolean withError) {
            isError = withError;
            last = USES.get() + uses;
        }

        static void replace() {
            last = Integer.MAX_VALUE;
            nanInsteadOfRate = false;
        }
    }

    /** Always the same value. */
    public static final class FusedSchedule implements ISchedule {
        private static final long serialVersionUID = 1;

        @Override
        public double valueAt(int iteration, int epoch) {
            Fuse.use();
            return Fuse.nanInsteadOfRate ? Double.NaN : 0.01;
        }

        @Override
        public ISchedule clone() {
            return new FusedSchedule();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof FusedSchedule;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    /** Adds a share of the parameters to their gradient. */
    private abstract static class Term implements Regularization {
        private static final long serialVersionUID = 1;

        @Override
        public void apply(INDArray param, INDArray gradView, double lr, int iteration, int epoch) {
            gradView.addi(param.mul(0.01));
            Fuse.use();
        }

        @Override
        public double score(INDArray param, int iteration, int epoch) {
            return 0;
        }

        @Override
        public Regularization clone() {
            return this; // it has no fields
        }
    }

    /** Before the updater. */
    public static final class Before extends Term {
        private static final long serialVersionUID = 1;

        @Override
        public ApplyStep applyStep() {
            return ApplyStep.BEFORE_UPDATER;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Before;
        }

        @Override
        public int hashCode() {
            return 3;
        }
    }

    /** After the updater. */
    public static final class After extends Term {
        private static final long serialVersionUID = 1;

        @Override
        public ApplyStep applyStep() {
            return ApplyStep.POST_UPDATER;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof After;
        }

        @Override
        public int hashCode() {
            return 4;
        }
    }

    /** A kind of momentum, which may fail between two operations on its state. */
    public static final class HalfDone extends OwnUpdater {
        private static final long serialVersionUID = 1;

        @Override
        protected void apply(INDArray gradient) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long stateSize(long numParams) {
            return numParams;
        }

        @Override
        public GradientUpdater<?> instantiate(INDArray viewArray, boolean initializeViewArray) {
            if (initializeViewArray) {
                viewArray.assign(0);
            }
            return new GradientUpdater<HalfDone>() {
                @Override
                public HalfDone getConfig() {
                    return HalfDone.this;
                }

                @Override
                public void setState(Map<String, INDArray> stateMap, boolean initialize) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public Map<String, INDArray> getState() {
                    return Map.of("velocity", viewArray);
                }

                @Override
                public void setStateViewArray(
                        INDArray viewArray, long[] gradientShape, char gradientOrder, boolean initialize) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public void applyUpdater(INDArray gradient, int iteration, int epoch) {
                    INDArray velocity = viewArray.reshape(gradient.length());
                    velocity.muli(0.5);
                    Fuse.use();
                    velocity.addi(gradient.mul(0.1));
                    gradient.assign(velocity);
                }
            };
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof HalfDone;
        }

        @Override
        public int hashCode() {
            return 2;
        }
    }
}
