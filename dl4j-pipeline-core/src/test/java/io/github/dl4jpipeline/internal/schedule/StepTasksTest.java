package io.github.dl4jpipeline.internal.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StepTasksTest {
    private static StepTasks tasks(Schedule schedule, List<Integer> replicas, int microBatches) {
        return StepTasks.of(schedule, new Workers(replicas), microBatches);
    }

    @Test
    void theFirstTaskOfEachPassInEachReplica() {
        StepTasks tasks = tasks(Schedules.oneForwardOneBackward(), List.of(2, 1), 5);
        for (Task first : List.of(
                Task.forward(0, 0), Task.forward(0, 1), Task.backward(0, 1), Task.forward(1, 0), Task.backward(1, 0))) {
            assertThat(tasks.isFirst(first)).as("%s", first).isTrue();
        }
        for (Task later : List.of(Task.forward(0, 2), Task.forward(0, 3), Task.backward(0, 3), Task.forward(1, 1))) {
            assertThat(tasks.isFirst(later)).as("%s", later).isFalse();
        }
    }

    @Test
    void theTasksOfTheSamePassAndReplicaThatComeLater() {
        StepTasks tasks = tasks(Schedules.oneForwardOneBackward(), List.of(2, 1), 5);
        assertThat(tasks.after(Task.backward(0, 0))).containsExactly(Task.backward(0, 2), Task.backward(0, 4));
        assertThat(tasks.after(Task.backward(0, 4))).isEmpty();
        assertThat(tasks.after(Task.forward(1, 3))).containsExactly(Task.forward(1, 4));
    }

    @Test
    void theFirstTaskOfAStageThatSharesItsWorker() {
        StepTasks tasks = StepTasks.of(Schedules.oneForwardOneBackward(), Workers.inTurn(4, 2), 4);
        assertThat(tasks.isFirst(Task.forward(2, 0))).isTrue();
        assertThat(tasks.isFirst(Task.forward(2, 1))).isFalse();
        assertThat(tasks.isFirst(Task.backward(0, 0))).isTrue();
    }

    @Test
    void theLastTaskOfEachReplicaThatHasAny() {
        StepTasks tasks = tasks(Schedules.oneForwardOneBackward(), List.of(3, 1), 5);
        assertThat(tasks.lastTasks(0)).containsExactly(Task.backward(0, 3), Task.backward(0, 4), Task.backward(0, 2));
        assertThat(tasks.lastTasks(1)).containsExactly(Task.backward(1, 4));
        StepTasks few = tasks(Schedules.oneForwardOneBackward(), List.of(3, 1), 2);
        assertThat(few.activeReplicas(0)).isEqualTo(2);
        assertThat(few.activeReplicas(1)).isEqualTo(1);
        assertThat(few.lastTasks(0)).containsExactly(Task.backward(0, 0), Task.backward(0, 1));
    }

    @Test
    void microBatchesLeaveAStageWithTheLastPass() {
        StepTasks split = tasks(Schedules.zeroBubble(), List.of(1, 1), 2);
        assertThat(split.splitsBackward()).isTrue();
        assertThat(split.isLastOfStage(Task.backward(0, 1))).isFalse();
        assertThat(split.isLastOfStage(new Task(Task.Pass.WEIGHTS, 0, 1))).isTrue();
        StepTasks usual = tasks(Schedules.oneForwardOneBackward(), List.of(1, 1), 2);
        assertThat(usual.splitsBackward()).isFalse();
        assertThat(usual.isLastOfStage(Task.forward(0, 1))).isFalse();
        assertThat(usual.isLastOfStage(Task.backward(0, 1))).isTrue();
    }

    @Test
    void fewAreInFlightIfThereAreTwiceAsMany() {
        Schedule schedule = Schedules.oneForwardOneBackward();
        assertThat(CopyAssignment.leavesFewInFlight(tasks(schedule, List.of(1, 1), 3)))
                .isFalse();
        assertThat(CopyAssignment.leavesFewInFlight(tasks(schedule, List.of(1, 1), 4)))
                .isTrue();
        assertThat(CopyAssignment.leavesFewInFlight(tasks(Schedules.fillDrain(), List.of(1, 1), 8)))
                .isFalse();
    }

    /** F: forward, B: backward, W: parameter gradients of the last stage. */
    private static String ofLastStage(Schedule schedule, int stages, int microBatches, int grouped) {
        StepTasks tasks = StepTasks.of(GroupingSchedule.of(schedule, grouped), Workers.straight(stages), microBatches);
        assertThat(tasks.mayGroup(grouped)).isTrue();
        return tasks.byWorker().get(stages - 1).stream()
                .map(task -> task.pass().name().charAt(0) + "" + task.microBatch())
                .collect(Collectors.joining(" "));
    }

    @Test
    void groupsHaveRunForwardBeforeTheirFirstMicroBatchRunsBackward() {
        assertThat(ofLastStage(Schedules.oneForwardOneBackward(), 2, 4, 2)).isEqualTo("F0 F1 B0 F2 B1 F3 B2 B3");
        assertThat(ofLastStage(Schedules.oneForwardOneBackward(), 1, 5, 3)).isEqualTo("F0 F1 F2 B0 F3 B1 F4 B2 B3 B4");
        assertThat(ofLastStage(Schedules.zeroBubble(), 2, 4, 2)).isEqualTo("F0 F1 B0 F2 B1 W0 F3 B2 W1 B3 W2 W3");
        assertThat(ofLastStage(Schedules.fillDrain(), 3, 3, 2)).isEqualTo("F0 F1 F2 B0 B1 B2");
        for (Schedule schedule : Schedules.all()) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                for (int grouped = 1; grouped <= 9; grouped++) {
                    ofLastStage(schedule, 4, microBatches, grouped);
                }
            }
        }
    }

    @Test
    void whatDoesNotFitGroups() {
        assertThat(tasks(Schedules.oneForwardOneBackward(), List.of(1, 1), 4).mayGroup(2))
                .isFalse();
        assertThat(tasks(Schedules.oneForwardOneBackward(), List.of(1, 1), 4).mayGroup(1))
                .isTrue();
        assertThat(tasks(Schedules.fillDrain(), List.of(1, 2), 4).mayGroup(2)).isFalse();
        assertThat(GroupingSchedule.of(Schedules.fillDrain(), 1)).isEqualTo(Schedules.fillDrain());
    }
}
