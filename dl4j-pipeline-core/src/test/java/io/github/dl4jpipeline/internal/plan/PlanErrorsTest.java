package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.partition.LinkTimes;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlanErrorsTest {
    private static final Device SMALL = new Device("small", Device.Kind.CPU, List.of(0), 2_000_000, 1);
    private static final Device LARGE = new Device("large", Device.Kind.CPU, List.of(1), 10_000_000, 1);

    private static PartitionPlan plan(Stage... stages) {
        return PartitionPlan.of(List.of(stages), 1);
    }

    private static Stage stage(Device device, long bytes, String... vertices) {
        return Stage.of(device, List.of(vertices)).withMemoryBytes(bytes);
    }

    /** What counts is how much of its device a stage needs, with the others there. */
    @Test
    void namesTheStageThatBindsTheSmallestPlan() {
        PartitionPlan half = plan(stage(SMALL, 3_000_000, "a"), stage(LARGE, 11_000_000, "b", "c"));
        PartitionPlan together =
                plan(stage(LARGE, 6_000_000, "a"), stage(SMALL, 1_000_000, "b"), stage(LARGE, 6_000_000, "c"));
        PartitionPlan much = plan(stage(SMALL, 8_000_000, "a", "b", "c"));
        assertThat(PlanErrors.outOfMemory(List.of(much, half, together), new Devices(List.of(SMALL, LARGE))))
                .hasMessageStartingWith("No plan fits into memory")
                .hasMessageContaining("needs 12.0 MB on device large, which has 10.0 MB")
                .hasMessageContaining("for stage ");
        assertThat(PlanErrors.outOfMemory(List.of(much, half), new Devices(List.of(SMALL, LARGE))))
                .hasMessageContaining("needs 3.0 MB on device small, which has 2.0 MB, for stage 0 (a);");
    }

    @Test
    void noPlanAtAll() {
        assertThat(PlanErrors.outOfMemory(List.of(), new Devices(List.of(SMALL))))
                .hasMessageContaining("No plan has the stages and replicas");
    }

    private static PartitionPlan timed(double millis, int replicas) {
        VertexCost first = cost("a", millis, "in");
        VertexCost second = cost("b", 3, "a");
        Predictor predictor =
                new Predictor(8, LinkTimes.NONE, MachineSpeed.UNKNOWN, false, (workers, busy) -> 1, List.of());
        List<Device> devices = replicas == 1 ? List.of(SMALL) : List.of(SMALL, LARGE);
        Device last = new Device("last", Device.Kind.CPU, List.of(2), 1_000_000, 1);
        return predictor.predict(
                List.of(
                        new StageDraft(List.of(first), devices, 0, false),
                        new StageDraft(List.of(second), List.of(last), 0, false)),
                2,
                Schedules.fillDrain(),
                Duration.ofMillis(100));
    }

    private static VertexCost cost(String name, double millis, String input) {
        return new VertexCost(
                name,
                List.of(input),
                new PassTimes(millis, 0, millis),
                new PassTimes(millis, 0, millis),
                new VertexBytes(8, 8, 8, 8));
    }

    @Test
    void namesTheBestPlanItsSlowestStageAndASmallerBatch() {
        PlanOptions options = PlanOptions.defaults().withDeadline(Duration.ofMillis(10));
        // 2 micro-batches of 2 x 5 ms, and 2 x 3 ms for the first or last to pass the second stage.
        assertThat(PlanErrors.tooLate(List.of(timed(7, 1), timed(5, 1)), options, examples -> examples <= 2))
                .hasMessageContaining("the deadline of 10.0 ms")
                .hasMessageContaining("latest execution time is 26.0 ms")
                .hasMessageContaining("bound by stage 0 (a) on device small")
                .hasMessageContaining("allow 26.0 ms, or use batches of 2 examples");
        // Two replicas take 5 ms each in turn: the other stage takes longer for each micro-batch.
        assertThat(PlanErrors.tooLate(List.of(timed(5, 2)), options, examples -> false))
                .hasMessageContaining("bound by stage 1 (b) on device last")
                .hasMessageEndingWith(" ms");
        assertThat(PlanErrors.tooLate(List.of(timed(5, 2)), options, examples -> examples == 1))
                .hasMessageEndingWith("use batches of 1 examples");
    }
}
