package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.report.StepRecord;
import io.github.dl4jpipeline.report.StepSample;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.report.TrainingHistory;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecordedStepsTest {
    private static final PartitionPlan PLAN =
            PartitionPlan.of(List.of(Stage.of(Devices.cpu(1).list(), List.of("a"))), 1);

    private static TrainingHistory after(int steps) {
        RecordedSteps recorded = new RecordedSteps();
        for (int i = 0; i < steps; i++) {
            int iteration = i;
            recorded.add(
                    1_000_000L * i,
                    begin -> new StepRecord(
                            iteration,
                            begin,
                            10,
                            32,
                            iteration,
                            PLAN,
                            new StepTimeline(new Timeline(Workers.straight(1), List.of()), List.of())));
        }
        return recorded.history();
    }

    @Test
    void theLastStepsAreKept() {
        assertThat(after(100).lastSteps())
                .extracting(StepRecord::iteration)
                .hasSize(20)
                .startsWith(80L)
                .endsWith(99L);
        assertThat(after(100).lastSteps().get(19).startMillis()).isEqualTo(99);
    }

    @Test
    void aCurveOfManyStepsIsOfMeans() {
        List<StepSample> curve = after(10_000).curve();
        assertThat(curve).hasSizeBetween(TrainingHistory.MOST_SAMPLES / 2, TrainingHistory.MOST_SAMPLES);
        assertThat(curve.get(0).score()).isCloseTo((curve.get(0).iteration() - 0) / 2.0, within(1e-9));
        assertThat(curve)
                .allSatisfy(sample -> assertThat(sample.examplesPerSecond()).isCloseTo(3200, within(1e-6)));
    }
}
