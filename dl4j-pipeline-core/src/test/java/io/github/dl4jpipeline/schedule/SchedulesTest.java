package io.github.dl4jpipeline.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SchedulesTest {

    @Test
    void fillDrainForThreeStagesAndFourMicroBatches() {
        assertThat(table(Schedules.fillDrain(), 3, 4)).isEqualTo("""
                        F0,0 F0,1 F0,2 F0,3 B0,0 B0,1 B0,2 B0,3
                        F1,0 F1,1 F1,2 F1,3 B1,0 B1,1 B1,2 B1,3
                        F2,0 F2,1 F2,2 F2,3 B2,0 B2,1 B2,2 B2,3""");
    }

    @Test
    void oneForwardOneBackwardForThreeStagesAndFourMicroBatches() {
        assertThat(table(Schedules.oneForwardOneBackward(), 3, 4)).isEqualTo("""
                        F0,0 F0,1 F0,2 B0,0 F0,3 B0,1 B0,2 B0,3
                        F1,0 F1,1 B1,0 F1,2 B1,1 F1,3 B1,2 B1,3
                        F2,0 B2,0 F2,1 B2,1 F2,2 B2,2 F2,3 B2,3""");
    }

    @Test
    void oneForwardOneBackwardWithFewerMicroBatchesThanStages() {
        assertThat(table(Schedules.oneForwardOneBackward(), 4, 2)).isEqualTo("""
                        F0,0 F0,1 B0,0 B0,1
                        F1,0 F1,1 B1,0 B1,1
                        F2,0 F2,1 B2,0 B2,1
                        F3,0 B3,0 F3,1 B3,1""");
    }

    @Test
    void aSingleStage() {
        assertThat(table(Schedules.fillDrain(), 1, 2)).isEqualTo("F0,0 F0,1 B0,0 B0,1");
        assertThat(table(Schedules.oneForwardOneBackward(), 1, 2)).isEqualTo("F0,0 B0,0 F0,1 B0,1");
    }

    static Stream<Schedule> schedules() {
        return Stream.of(Schedules.fillDrain(), Schedules.oneForwardOneBackward());
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void everyTaskOnceWithoutDeadlockAndWithinTheShortestTime(Schedule schedule) {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                double[] forward = new double[stages];
                double[] backward = new double[stages];
                java.util.Arrays.fill(forward, 1);
                java.util.Arrays.fill(backward, 2);
                // simulate() checks that every task comes once and that none waits for ever.
                Timeline timeline = ScheduleSimulator.simulate(schedule, forward, backward, microBatches);
                assertThat(timeline.spans()).hasSize(2 * stages * microBatches);
                assertThat(timeline.makespanMillis()).isEqualTo(3.0 * (microBatches + stages - 1));
            }
        }
    }

    @Test
    void inFlightMicroBatchesAreBounded() {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                int[] drained = ScheduleSimulator.inFlight(Schedules.fillDrain(), stages, microBatches);
                int[] alternating = ScheduleSimulator.inFlight(Schedules.oneForwardOneBackward(), stages, microBatches);
                for (int stage = 0; stage < stages; stage++) {
                    assertThat(drained[stage]).isEqualTo(microBatches);
                    assertThat(alternating[stage]).isEqualTo(Math.min(stages - stage, microBatches));
                }
            }
        }
    }

    @Test
    void schedulesByName() {
        assertThat(Schedules.named("1F1B").name()).isEqualTo("1f1b");
        assertThat(Schedules.named("fill-drain").name()).isEqualTo("fill-drain");
        assertThatThrownBy(() -> Schedules.named("zero"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("There is no schedule 'zero'; known are fill-drain and 1f1b");
    }

    private static String table(Schedule schedule, int stages, int microBatches) {
        return schedule.tasks(stages, microBatches).stream()
                .map(tasks -> tasks.stream().map(Task::toString).collect(Collectors.joining(" ")))
                .collect(Collectors.joining("\n"));
    }

    /** A schedule given as a list, for tests. */
    record Fixed(List<List<Task>> lists) implements Schedule {
        @Override
        public String name() {
            return "fixed";
        }

        @Override
        public List<List<Task>> tasks(int stages, int microBatches) {
            return lists;
        }
    }
}
