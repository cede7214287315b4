package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

class PipelineListenerTest {
    /** Writes down what it is told. */
    private static class Diary implements PipelineListener {
        final List<String> lines = new ArrayList<>();
        final List<StepDone> steps = new ArrayList<>();
        final List<PlanChosen> plans = new ArrayList<>();
        final List<TrainingFailed> failures = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();

        private void add(String line) {
            threads.add(Thread.currentThread());
            if (lines.isEmpty() || !lines.get(lines.size() - 1).equals(line)) {
                lines.add(line);
            }
        }

        @Override
        public void profiling(ProfilingProgress progress) {
            add("profiling");
        }

        @Override
        public void planChosen(PlanChosen event) {
            add("plan");
            plans.add(event);
        }

        @Override
        public void stepDone(StepDone event) {
            add("step " + event.step());
            steps.add(event);
        }

        @Override
        public void trainingFailed(TrainingFailed event) {
            add("failed");
            failures.add(event);
        }
    }

    private static PipelineBuilder builder() {
        return PipelineComputationGraph.builder(
                TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings)));
    }

    @Test
    void whatHappensIsToldInItsOrderAndInTheThreadOfFit() {
        Diary diary = new Diary();
        try (PipelineComputationGraph net =
                builder().devices(Devices.cpu(1)).listener(diary).build()) {
            net.fit(batch());
            net.fit(batch());

            assertThat(diary.lines).startsWith("profiling", "plan", "step 1").endsWith("step 2");
            assertThat(diary.threads).containsOnly(Thread.currentThread());
            assertThat(diary.plans.get(0).plan().stages()).hasSize(1);
            assertThat(diary.plans.get(0).profile()).isPresent();
            PipelineListener.StepDone last = diary.steps.get(1);
            assertThat(last.iteration()).isEqualTo(1);
            assertThat(last.examples()).isEqualTo(8);
            assertThat(last.score()).isEqualTo(net.score());
            assertThat(last.warm()).isTrue();
            assertThat(last.stages()).hasSize(1);
            assertThat(last.timeline().orElseThrow().tasks().spans()).isNotEmpty();
            assertThat(last.wholeMillis()).isGreaterThanOrEqualTo(last.stepMillis());
        }
    }

    @Test
    void aFailureOfFitIsTold() {
        Diary diary = new Diary();
        RuntimeException thrown = new IllegalStateException("not today");
        try (PipelineComputationGraph net =
                builder().devices(Devices.cpu(1)).listener(diary).build()) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    throw thrown;
                }
            });
            assertThatThrownBy(() -> net.fit(batch())).isSameAs(thrown);
            assertThatThrownBy(() -> net.fit(new SingletonDataSetIterator(batch())))
                    .isSameAs(thrown);
        }
        assertThat(diary.lines).endsWith("step 1", "failed", "step 2", "failed");
        assertThat(diary.failures).as("one for each fit").hasSize(2);
        assertThat(diary.failures.get(0).failure()).isSameAs(thrown);
        assertThat(diary.failures.get(0).steps()).isEqualTo(1);
        assertThat(diary.failures.get(0).plan()).isPresent();
    }

    @Test
    void thePlanThatStaysIsToldWithTheReason() {
        List<PipelineListener.PlanChanged> changes = new ArrayList<>();
        PipelineListener listener = new PipelineListener() {
            @Override
            public void planChanged(PlanChanged event) {
                changes.add(event);
            }
        };
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(graph, 8))
                .listener(listener)
                .build()) {
            net.replaceMeasurements(measured -> new StepMeasurement(250, measured.busyMillis()));
            for (int step = 0; step < 120 && !net.report().settled(); step++) {
                net.fit(batch());
            }
            PipelineListener.PlanChanged last = changes.get(changes.size() - 1);
            assertThat(last.cause()).isEqualTo(PipelineListener.Cause.CHOSEN);
            assertThat(last.plan()).isEqualTo(net.plan());
            assertThat(last.reason()).isNotBlank();
            assertThat(last.measured()).hasSizeGreaterThan(1);
            assertThat(changes.subList(0, changes.size() - 1))
                    .extracting(PipelineListener.PlanChanged::cause)
                    .containsOnly(PipelineListener.Cause.TURN);
        }
    }

    @Test
    void aListenerThatThrowsIsLeftOutAndTrainingGoesOn() {
        List<String> calls = new ArrayList<>();
        PipelineListener throwing = new PipelineListener() {
            @Override
            public void stepDone(StepDone event) {
                calls.add("step " + event.step());
                throw new IllegalStateException("a listener's own fault");
            }
        };
        Diary diary = new Diary();
        try (PipelineComputationGraph net = builder()
                .devices(Devices.cpu(1))
                .listener(throwing)
                .listener(diary)
                .build()) {
            net.fit(batch());
            net.fit(batch());
            assertThat(net.getIterationCount()).isEqualTo(2);
        }
        assertThat(calls).containsExactly("step 1");
        assertThat(diary.steps).hasSize(2);
    }

    private static DataSet batch() {
        return new DataSet(Nd4j.rand(8, 6), Nd4j.eye(8).getColumns(0, 1, 2).dup());
    }
}
