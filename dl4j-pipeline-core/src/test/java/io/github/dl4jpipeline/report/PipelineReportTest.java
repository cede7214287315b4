package io.github.dl4jpipeline.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanContext;
import io.github.dl4jpipeline.partition.Prediction;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PipelineReportTest {
    private static String text(PartitionPlan plan) {
        MeasuredSteps measured = new MeasuredSteps(
                3, 10, List.of(new StageReport(8, 2_000_000)), List.of(), Optional.empty(), Optional.empty());
        return new PipelineReport(
                        plan,
                        measured,
                        new PlanHistory(true, List.of(), List.of()),
                        TrainingHistory.NONE,
                        Optional.empty())
                .toString();
    }

    @Test
    void measuredBesidePredicted() {
        Stage stage = new Stage(List.of("a"), Devices.cpu(1).list(), 3, 4, 0, 0, false);
        PartitionPlan plan = new PartitionPlan(
                List.of(stage),
                1,
                Schedules.fillDrain(),
                Optional.empty(),
                new Prediction(8, Duration.ofMillis(7), Duration.ofMillis(7), Duration.ofMillis(7), 0),
                new PlanContext(List.of(), List.of(), Optional.empty()));
        assertThat(text(plan)).isEqualToNormalizingNewlines("""
                        3 steps, forward and backward 10.0 ms each (predicted 7.0 ms), bubble 20 % (predicted 0 %)
                        stage 0 on cpu-0: busy 8.0 ms a step (predicted 7.0 ms), 2.0 MB of activations
                        """);
    }

    @Test
    void nothingIsPredictedWithoutAProfile() {
        PartitionPlan plan = PartitionPlan.of(List.of(Stage.of(Devices.cpu(1).list(), List.of("a"))), 1);
        assertThat(text(plan)).isEqualToNormalizingNewlines("""
                        3 steps, forward and backward 10.0 ms each, bubble 20 %
                        stage 0 on cpu-0: busy 8.0 ms a step, 2.0 MB of activations
                        """);
    }
}
