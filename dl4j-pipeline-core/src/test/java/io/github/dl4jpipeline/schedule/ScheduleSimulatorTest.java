package io.github.dl4jpipeline.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.schedule.SchedulesTest.Fixed;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleSimulatorTest {
    private static final double[] ONE_AND_TWO = {1, 2};
    private static final double[] TWO_AND_THREE = {2, 3};

    @Test
    void aTimelineWorkedOutByHand() {
        Timeline timeline =
                ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), ONE_AND_TWO, TWO_AND_THREE, 2);
        // stage 0: F0 0-1, F1 1-2, B0 6-8, B1 11-13
        // stage 1: F0 1-3, B0 3-6, F1 6-8, B1 8-11
        assertThat(timeline.spans().stream()
                        .map(span -> span.task() + " " + (int) span.startMillis() + "-" + (int) span.endMillis()))
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
        assertThatThrownBy(() -> ScheduleSimulator.simulate(schedule, ONE_AND_TWO, TWO_AND_THREE, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("deadlocks")
                .hasMessageContaining("B0,0")
                .hasMessageContaining("F1,0");
    }

    @Test
    void aScheduleThatLeavesOutOrRepeatsATask() {
        Fixed tooShort = new Fixed(List.of(List.of(Task.forward(0, 0)), List.of()));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(tooShort, ONE_AND_TWO, TWO_AND_THREE, 1))
                .hasMessageContaining("leaves out 3 tasks");
        Fixed twice = new Fixed(List.of(List.of(Task.forward(0, 0), Task.forward(0, 0)), List.of()));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(twice, ONE_AND_TWO, TWO_AND_THREE, 1))
                .hasMessageContaining("task F0,0");
        Fixed oneStage = new Fixed(List.of(List.of(Task.forward(0, 0), Task.backward(0, 0))));
        assertThatThrownBy(() -> ScheduleSimulator.simulate(oneStage, ONE_AND_TWO, TWO_AND_THREE, 1))
                .hasMessageContaining("1 stages, expected 2");
    }
}
