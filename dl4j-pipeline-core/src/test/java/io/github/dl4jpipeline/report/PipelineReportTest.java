package io.github.dl4jpipeline.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanContext;
import io.github.dl4jpipeline.partition.Prediction;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PipelineReportTest {
    private static final List<Device> DEVICES = List.of(new Device("cpu-0", Device.Kind.CPU, List.of(0), 1_000, 1));

    private static String text(PartitionPlan plan) {
        return text(plan, 10, 8, new PlanHistory(true, List.of(), List.of()));
    }

    private static String text(PartitionPlan plan, double stepMillis, double busyMillis, PlanHistory history) {
        MeasuredSteps measured = new MeasuredSteps(
                30,
                stepMillis,
                List.of(new StageReport(busyMillis, 2_000_000)),
                List.of(),
                Optional.empty(),
                Optional.empty());
        return new PipelineReport(plan, measured, history, TrainingHistory.NONE, Optional.empty()).toString();
    }

    /** One stage that is predicted to take 7 ms. */
    private static PartitionPlan plan() {
        Stage stage = Stage.of(DEVICES, List.of("a")).withMillis(3, 4);
        return new PartitionPlan(
                List.of(stage),
                1,
                Schedules.fillDrain(),
                Optional.empty(),
                new Prediction(8, Duration.ofMillis(7), Duration.ofMillis(7), Duration.ofMillis(7), 0),
                new PlanContext(List.of(), List.of(), Optional.empty()));
    }

    @Test
    void measuredBesidePredicted() {
        assertThat(text(plan())).isEqualToNormalizingNewlines("""
                        Measured: one device, stages 1, workers 1, micro-batches 1
                        30 steps, forward and backward 10.0 ms each (predicted 7.0 ms), bubble 20 % (predicted 0 %)
                        Measured is 1.43 times predicted; likely since workers wait for each other: other programs use their cores, or tasks are too short for many micro-batches
                        stage  device  busy ms  predicted ms  activations
                            0  cpu-0       8.0           7.0       2.0 MB
                        terms: bubble: share of a step in which workers wait. busy: time of a replica in tasks, a step.
                        """);
    }

    @Test
    void farFromPredicted() {
        PlanHistory settled = new PlanHistory(true, List.of(), List.of());
        assertThat(text(plan(), 8, 8, settled)).doesNotContain("likely");
        assertThat(text(plan(), 15, 14, settled)).contains("2.14 times predicted; likely since all stages are slowed");
        assertThat(text(plan(), 3.5, 3, settled)).contains("0.50 times predicted; likely since the machine was busy");
    }

    @Test
    void plansThatWereTried() {
        List<MeasuredPlan> measured = List.of(new MeasuredPlan(plan(), 12, 7.25));
        String text = text(plan(), 8, 8, new PlanHistory(true, measured, List.of()));
        assertThat(text)
                .contains(
                        "tried       stages  workers  micro-batches  steps  step ms  predicted ms",
                        "one device       1        1              1     12      7.3           7.0");
        assertThat(text(plan(), 8, 8, new PlanHistory(false, measured, List.of())))
                .contains("being tried, none is chosen yet");
        assertThat(text(plan(), 8, 8, new PlanHistory(false, List.of(), List.of())))
                .contains("training has ended before others were tried");
    }

    @Test
    void nothingIsPredictedWithoutAProfile() {
        PartitionPlan plan = PartitionPlan.of(List.of(Stage.of(DEVICES, List.of("a"))), 1);
        assertThat(text(plan)).isEqualToNormalizingNewlines("""
                        Measured: one device, stages 1, workers 1, micro-batches 1
                        30 steps, forward and backward 10.0 ms each, bubble 20 %
                        stage  device  busy ms  predicted ms  activations
                            0  cpu-0       8.0                     2.0 MB
                        terms: bubble: share of a step in which workers wait. busy: time of a replica in tasks, a step.
                        """);
    }
}
