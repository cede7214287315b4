package io.github.dl4jpipeline.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import org.junit.jupiter.api.Test;

class WorkerUseTest {
    private static final Devices TWO = Devices.cpu(2);
    private static final PartitionPlan PLAN =
            PartitionPlan.of(List.of(Stage.of(TWO.get(0), List.of("a")), Stage.of(TWO.get(1), List.of("b"))), 1);

    @Test
    void aCopyIsOfTheWorkerWhoseTaskItLiesIn() {
        Timeline tasks = new Timeline(
                Workers.straight(2),
                List.of(
                        new Timeline.Span(0, Task.forward(0, 0), 0, 4),
                        new Timeline.Span(1, Task.forward(1, 0), 4, 10)));
        StepTimeline.Transfer copy = new StepTimeline.Transfer(
                new Transfers.Route(Transfers.Kind.ACTIVATION, "cpu-0", "cpu-1"), "a", 8, 4, 6);
        List<WorkerUse> uses = WorkerUse.of(PLAN, new StepTimeline(tasks, List.of(copy)));
        assertThat(uses)
                .containsExactly(
                        new WorkerUse("stage 0 on cpu-0", 4, 0, 6), new WorkerUse("stage 1 on cpu-1", 4, 2, 4));
        assertThat(uses.get(1).used()).isEqualTo(0.6);
    }

    @Test
    void nothingIsUsedInAnEmptyStep() {
        StepTimeline empty = new StepTimeline(new Timeline(Workers.straight(2), List.of()), List.of());
        assertThat(WorkerUse.of(PLAN, empty)).extracting(WorkerUse::used).containsExactly(0.0, 0.0);
    }
}
