package io.github.dl4jpipeline.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.schedule.SchedulesTest.Fixed;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleSimulatorTest {
    private static final List<StageTimes> TWO_STAGES = List.of(StageTimes.of(1, 2), StageTimes.of(2, 3));

    @Test
    void aTimelineWorkedOutByHand() {
        Timeline timeline = ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), TWO_STAGES, 2);
        // stage 0: F0 0-1, F1 1-2, B0 6-8, B1 11-13
        // stage 1: F0 1-3, B0 3-6, F1 6-8, B1 8-11
        assertThat(times(timeline))
                .containsExactly(
                        "F0,0 0-1",
                        "F0,1 1-2",
                        "F1,0 1-3",
                        "B1,0 3-6",
                        "B0,0 6-8",
                        "F1,1 6-8",
                        "B1,1 8-11",
                        "B0,1 11-13");
        assertThat(timeline.makespanMillis()).isEqualTo(13);
        assertThat(timeline.busyMillis(0)).isEqualTo(6);
        assertThat(timeline.busyMillis(1)).isEqualTo(10);
        assertThat(timeline.bubble()).isCloseTo(1 - 16.0 / 26, within(1e-12));
    }

    @Test
    void transfersDelayTheReader() {
        List<StageTimes> stages = List.of(new StageTimes(1, 1, 1, 4), StageTimes.of(1, 1));
        // F0 ends at 1 and arrives at 5, F1 ends at 2 and arrives at 9, as the link carries one at a time.
        // B0 ends at 7 and arrives at 11, B1 ends at 11 and arrives at 15.
        assertThat(times(ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), stages, 2)))
                .containsExactly(
                        "F0,0 0-1",
                        "F0,1 1-2",
                        "F1,0 5-6",
                        "B1,0 6-7",
                        "F1,1 9-10",
                        "B1,1 10-11",
                        "B0,0 11-12",
                        "B0,1 15-16");
    }

    @Test
    void replicasTakeMicroBatchesInTurn() {
        List<StageTimes> stages = List.of(StageTimes.of(1, 1), new StageTimes(2, 2, 2, 0));
        Timeline timeline = ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), stages, 3);
        assertThat(times(timeline))
                .containsExactly(
                        "F0,0 0-1",
                        "F0,1 1-2",
                        "F1,0 1-3",
                        "F0,2 2-3",
                        "F1,1 2-4",
                        "B1,0 3-5",
                        "B1,1 4-6",
                        "B0,0 5-6",
                        "F1,2 5-7",
                        "B0,1 6-7",
                        "B1,2 7-9",
                        "B0,2 9-10");
        assertThat(timeline.busyMillis(1)).isEqualTo(12);
        assertThat(timeline.bubble()).isCloseTo(1 - 18.0 / 30, within(1e-12));
    }

    private static List<String> times(Timeline timeline) {
        return timeline.spans().stream()
                .map(span -> span.task() + " " + (int) span.startMillis() + "-" + (int) span.endMillis())
                .toList();
    }

    @Test
    void dependenciesOfATask() {
        assertThat(Task.forward(0, 3).dependencies(3)).isEmpty();
        assertThat(Task.forward(2, 3).dependencies(3)).containsExactly(Task.forward(1, 3));
        assertThat(Task.backward(2, 3).dependencies(3)).containsExactly(Task.forward(2, 3));
        assertThat(Task.backward(0, 3).dependencies(3)).containsExactly(Task.forward(0, 3), Task.backward(1, 3));
    }

    @Test
    void aScheduleThatCanNeverFinish() {
        Fixed schedule = new Fixed(List.of(
                List.of(Task.backward(0, 0), Task.forward(0, 0)), List.of(Task.forward(1, 0), Task.backward(1, 0))));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(schedule, TWO_STAGES, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("deadlocks")
                .hasMessageContaining("B0,0")
                .hasMessageContaining("F1,0");
    }

    @Test
    void aScheduleThatLeavesOutOrRepeatsATask() {
        Fixed tooShort = new Fixed(List.of(List.of(Task.forward(0, 0)), List.of()));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(tooShort, TWO_STAGES, 1))
                .hasMessageContaining("leaves out 3 tasks");
        Fixed twice = new Fixed(List.of(List.of(Task.forward(0, 0), Task.forward(0, 0)), List.of()));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(twice, TWO_STAGES, 1))
                .hasMessageContaining("task F0,0");
        Fixed oneStage = new Fixed(List.of(List.of(Task.forward(0, 0), Task.backward(0, 0))));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(oneStage, TWO_STAGES, 1))
                .hasMessageContaining("1 workers, expected 2");
    }

    /** The second stage is the longer one; the worker of the first takes gradients of it while it waits. */
    @Test
    void waitingWorkersRunGradientsOfOtherStages() {
        List<StageTimes> stages = List.of(new StageTimes(1, 3, 6, 3, 0), new StageTimes(1, 4, 8, 3, 0));
        Workers workers = new Workers(List.of(1, 1));
        Timeline apart = ScheduleSimulator.simulate(Schedules.zeroBubble(), stages, 8);
        Timeline moving = ScheduleSimulator.simulateMoving(Schedules.zeroBubble(), workers, stages, 8);
        assertThat(apart.makespanMillis()).isEqualTo(99);
        assertThat(moving.makespanMillis()).isEqualTo(90);
        assertThat(moving.spans()).hasSize(48).doesNotHaveDuplicates();
        assertThat(moving.spans().stream()
                        .filter(span -> span.worker() != span.task().stage()))
                .isNotEmpty()
                .allMatch(span ->
                        span.task().pass() == Task.Pass.WEIGHTS && span.task().stage() == 1);
        // those of a stage one after another, in order
        for (int stage = 0; stage < 2; stage++) {
            int own = stage;
            List<Timeline.Span> weights = moving.spans().stream()
                    .filter(span -> span.task().pass() == Task.Pass.WEIGHTS
                            && span.task().stage() == own)
                    .toList();
            for (int i = 0; i < weights.size(); i++) {
                assertThat(weights.get(i).task().microBatch()).isEqualTo(i);
                assertThat(i == 0 ? 0 : weights.get(i - 1).endMillis())
                        .isLessThanOrEqualTo(weights.get(i).startMillis());
            }
        }
    }

    @Test
    void nothingMovesWhereBackwardTasksAreWholeOrStagesHaveReplicas() {
        List<StageTimes> stages = List.of(new StageTimes(1, 3, 6, 3, 0), new StageTimes(2, 4, 8, 3, 0));
        Workers replicas = new Workers(List.of(1, 2));
        assertThat(ScheduleSimulator.simulateMoving(Schedules.zeroBubble(), replicas, stages, 4))
                .isEqualTo(ScheduleSimulator.simulate(Schedules.zeroBubble(), replicas, stages, 4));
        Workers two = new Workers(List.of(1, 1));
        assertThat(ScheduleSimulator.simulateMoving(Schedules.oneForwardOneBackward(), two, TWO_STAGES, 4))
                .isEqualTo(ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), two, TWO_STAGES, 4));
    }
}
