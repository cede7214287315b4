package io.github.dl4jpipeline.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineListener.Cause;
import io.github.dl4jpipeline.PipelineListener.PlanChanged;
import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineListener.StepDone;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainingProgressTest {
    private static final Device DEVICE = new Device("cpu-0", Device.Kind.CPU, List.of(0), 1_000, 1);
    private static final PartitionPlan FIRST = PartitionPlan.of(List.of(Stage.of(DEVICE, List.of("a"))), 1);
    private static final PartitionPlan OTHER = PartitionPlan.of(List.of(Stage.of(DEVICE, List.of("a"))), 2);

    private final StringWriter err = new StringWriter();

    private static StepDone step(PartitionPlan plan, double score, double millis, boolean warm) {
        return new StepDone(1, 0, 0, 8, score, millis, millis, plan, warm, false, List.of(), Optional.empty(), 0);
    }

    private static ProfilingProgress profiled(int done, int millis) {
        return new ProfilingProgress(done, 4, Duration.ofMillis(millis), 8, 3);
    }

    @Test
    void showsProfilingThenThePlanThenSteps() {
        try (TrainingProgress progress = new TrainingProgress(new PrintWriter(err), "images", 1)) {
            progress.startEpoch("epoch 1/1", 2);
            progress.profiling(profiled(1, 500));
            progress.planChosen(new PlanChosen(FIRST, List.of(FIRST), Optional.empty(), false, Duration.ofMillis(500)));
            progress.stepDone(step(FIRST, 2, 10, false));
            progress.stepDone(step(FIRST, 1, 10, true));
            progress.endEpoch();
            assertThat(progress.loss()).isEqualTo(1.5);
            assertThat(progress.images()).isEqualTo(16);
        }
        assertThat(err.toString())
                .containsSubsequence(
                        "profiling", "First plan: one device", "profiled in 0.5 s", "epoch 1/1", "trying one device");
    }

    @Test
    void countsTheTimeOfProfilesApart() {
        try (TrainingProgress progress = new TrainingProgress(new PrintWriter(err), "images", 1)) {
            progress.startEpoch("epoch 1/1", 1);
            progress.profiling(profiled(1, 40_000));
            progress.profiling(profiled(2, 60_000));
            progress.planChosen(new PlanChosen(FIRST, List.of(FIRST), Optional.empty(), false, Duration.ofMinutes(1)));
            progress.stepDone(step(FIRST, 1, 10, false));
            progress.profiling(profiled(1, 30_000));
            progress.planChanged(new PlanChanged(1, FIRST, Cause.PROFILED, "", List.of()));
            progress.stepDone(step(FIRST, 1, 10, true));
            progress.endEpoch();
            assertThat(progress.profilingSeconds()).isGreaterThanOrEqualTo(90);
            assertThat(progress.trainingSeconds()).isNegative(); // this profiling is made up
        }
    }

    @Test
    void stepsOfEachPlanCountForItself() {
        try (TrainingProgress progress = new TrainingProgress(new PrintWriter(err), "images", 1)) {
            progress.startEpoch("epoch 1/1", 4);
            progress.planChosen(new PlanChosen(FIRST, List.of(FIRST), Optional.empty(), true, Duration.ZERO));
            progress.stepDone(step(FIRST, 1, 99, false));
            progress.stepDone(step(FIRST, 1, 10, true));
            progress.stepDone(step(OTHER, 1, 20, true));
            progress.endEpoch();
            assertThat(progress.stepMillis(FIRST)).isEqualTo(10);
            assertThat(progress.stepMillis(OTHER)).isEqualTo(20);
            assertThat(progress.stepMillis(FIRST.withNote("chosen"))).isEqualTo(10);
        }
        assertThat(err.toString()).contains("from a profile in the cache");
    }
}
