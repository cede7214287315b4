package io.github.dl4jpipeline.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RunSettingsTest {
    private static Device device(int number, int threads) {
        List<Integer> cores = IntStream.range(number, number + threads).boxed().toList();
        return new Device("cpu-" + number, Device.Kind.CPU, cores, 1_000, 1);
    }

    @Test
    void whatAllStagesHaveIsSaidOnce() {
        PartitionPlan plan = PartitionPlan.of(
                        List.of(Stage.of(device(0, 1), List.of("a")), Stage.of(device(1, 1), List.of("b"))), 4)
                .withSchedule(Schedules.zeroBubble());
        assertThat(RunSettings.ofPlan(plan))
                .containsExactly(
                        entry("stages", "2"),
                        entry("replicas", "1"),
                        entry("micro-batches", "4"),
                        entry("schedule", "zb-h1"),
                        entry("devices", "cpu-0, cpu-1"));
    }

    @Test
    void whatStagesDifferInIsSaidOfEach() {
        PartitionPlan plan = PartitionPlan.of(
                List.of(
                        Stage.of(List.of(device(0, 1), device(1, 1)), List.of("a"))
                                .recomputing(),
                        Stage.of(device(2, 2), List.of("b"))),
                4);
        assertThat(RunSettings.ofPlan(plan))
                .containsEntry("replicas", "stage 0: 2, stage 1: 1")
                .containsEntry("activations", "stage 0: computed again, stage 1: kept")
                .containsEntry("devices", "cpu-0, cpu-1, cpu-2 with 2 threads");
    }

    @Test
    void aProcessSaysWhatItRunsOn() {
        assertThat(RunSettings.ofThisProcess())
                .containsKeys("system", "cores", "ND4J's backend", "dl4j-pipeline")
                .containsEntry("Deeplearning4j", "1.0.0-M2.1");
    }
}
