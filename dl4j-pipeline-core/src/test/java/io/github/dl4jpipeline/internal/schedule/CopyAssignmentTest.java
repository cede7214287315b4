package io.github.dl4jpipeline.internal.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CopyAssignmentTest {
    private static final Schedule ALTERNATING = Schedules.oneForwardOneBackward();

    static List<Schedule> schedules() {
        return Schedules.all();
    }

    @Test
    void aCopyHoldsAMicroBatchThroughAllStages() {
        StepTasks tasks = StepTasks.of(ALTERNATING, Workers.straight(2), 6);
        CopyAssignment copies = CopyAssignment.throughStages(tasks);
        assertThat(copies.count(0)).isEqualTo(2);
        assertThat(ofStage(copies, 0, 6)).containsExactly(0, 1, 0, 1, 0, 1);
        assertThat(ofStage(copies, 1, 6)).containsExactly(0, 1, 0, 1, 0, 1);
        assertThat(CopyAssignment.leavesFewInFlight(tasks)).isTrue();
    }

    @Test
    void aMicroBatchWaitsUntilItsCopyHasLeftAllStages() {
        CopyAssignment copies = CopyAssignment.throughStages(StepTasks.of(ALTERNATING, Workers.straight(2), 6));
        assertThat(copies.dependencies(Task.forward(0, 1))).isEmpty();
        assertThat(copies.dependencies(Task.forward(0, 3))).containsExactly(Task.backward(0, 1), Task.backward(1, 1));
        assertThat(copies.dependencies(Task.forward(1, 3))).containsExactly(Task.forward(0, 3));
    }

    @Test
    void eachWorkerOfTheFirstStageHasCopiesOfItsOwn() {
        CopyAssignment copies = CopyAssignment.throughStages(StepTasks.of(ALTERNATING, new Workers(List.of(2)), 4));
        assertThat(ofStage(copies, 0, 4)).containsExactly(0, 1, 0, 1);
    }

    @Test
    void aStageAloneNeedsFewerCopiesTheLaterItComes() {
        CopyAssignment copies = CopyAssignment.inEachStage(StepTasks.of(ALTERNATING, Workers.straight(3), 6));
        assertThat(IntStream.range(0, 3).map(copies::count)).containsExactly(3, 2, 1);
        assertThat(copies.dependencies(Task.forward(0, 5))).isEmpty();
        assertThat(copies.dependencies(Task.forward(1, 5))).containsExactly(Task.forward(0, 5));
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void aReplicasCopyIsFreeWhenItsOrderOfTasksBringsTheNext(Schedule schedule) {
        for (Workers workers : List.of(Workers.straight(3), new Workers(List.of(2, 1)), Workers.inTurn(4, 2))) {
            StepTasks tasks = StepTasks.of(schedule, workers, 7);
            CopyAssignment copies = CopyAssignment.inEachStage(tasks);
            for (List<Task> ofWorker : tasks.byWorker()) {
                Set<List<Integer>> used = new HashSet<>();
                for (Task task : ofWorker) {
                    List<Integer> copy = List.of(task.stage(), copies.of(task.stage(), task.microBatch()));
                    if (task.pass() == Task.Pass.FORWARD) {
                        assertThat(used.add(copy)).isTrue();
                    } else if (tasks.isLastOfStage(task)) {
                        used.remove(copy);
                    }
                }
            }
        }
    }

    private static List<Integer> ofStage(CopyAssignment copies, int stage, int microBatches) {
        return IntStream.range(0, microBatches)
                .mapToObj(microBatch -> copies.of(stage, microBatch))
                .toList();
    }
}
