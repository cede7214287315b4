package io.github.dl4jpipeline.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
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
    void zeroBubbleForThreeStagesAndFourMicroBatches() {
        assertThat(table(Schedules.zeroBubble(), 3, 4)).isEqualTo("""
                        F0,0 F0,1 F0,2 B0,0 W0,0 F0,3 B0,1 W0,1 B0,2 W0,2 B0,3 W0,3
                        F1,0 F1,1 B1,0 F1,2 B1,1 W1,0 F1,3 B1,2 W1,1 B1,3 W1,2 W1,3
                        F2,0 B2,0 F2,1 B2,1 F2,2 B2,2 W2,0 F2,3 B2,3 W2,1 W2,2 W2,3""");
    }

    /** With tasks that take as long: each stage waits a time for each stage but one, where it waited three before. */
    @Test
    void zeroBubbleFillsTwoThirdsOfTheTimeInWhichWorkersWait() {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = stages; microBatches <= 12; microBatches++) {
                List<StageTimes> times = Collections.nCopies(stages, new StageTimes(1, 1, 2, 1, 0));
                assertThat(ScheduleSimulator.simulate(Schedules.zeroBubble(), times, microBatches)
                                .makespanMillis())
                        .isEqualTo(3.0 * microBatches + stages - 1);
                assertThat(ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), times, microBatches)
                                .makespanMillis())
                        .isEqualTo(3.0 * (microBatches + stages - 1));
            }
        }
    }

    @Test
    void zeroBubbleHasAsManyMicroBatchesInFlightEverywhereAsInTheFirstStage() {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                Workers workers = Workers.straight(stages);
                int[] all = ScheduleSimulator.inFlight(Schedules.zeroBubble(), workers, microBatches);
                for (int stage = 0; stage < stages; stage++) {
                    assertThat(all[stage]).isEqualTo(Math.min(stages, microBatches));
                }
            }
        }
    }

    @Test
    void weightsOfStagesThatShareWorkersComeRightAfterTheirBackwardTasks() {
        assertThat(table(Schedules.zeroBubble(), Workers.inTurn(4, 2), 2)).isEqualTo("""
                        F0,0 F0,1 F2,0 F2,1 B2,0 W2,0 B2,1 W2,1 B0,0 W0,0 B0,1 W0,1
                        F1,0 F1,1 F3,0 B3,0 W3,0 F3,1 B3,1 W3,1 B1,0 W1,0 B1,1 W1,1""");
    }

    @Test
    void aSingleStage() {
        assertThat(table(Schedules.fillDrain(), 1, 2)).isEqualTo("F0,0 F0,1 B0,0 B0,1");
        assertThat(table(Schedules.oneForwardOneBackward(), 1, 2)).isEqualTo("F0,0 B0,0 F0,1 B0,1");
    }

    static Stream<Schedule> schedules() {
        return Schedules.all().stream();
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void everyTaskOnceWithoutDeadlockAndWithinTheShortestTime(Schedule schedule) {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                // simulate() checks that every task comes once and that none waits for ever.
                Timeline timeline = ScheduleSimulator.simulate(
                        schedule, Collections.nCopies(stages, StageTimes.of(1, 2)), microBatches);
                assertThat(timeline.spans()).hasSize(passes(schedule) * stages * microBatches);
                assertThat(timeline.makespanMillis()).isEqualTo(3.0 * (microBatches + stages - 1));
            }
        }
    }

    @Test
    void inFlightMicroBatchesAreBounded() {
        for (int stages = 1; stages <= 6; stages++) {
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                int[] drained =
                        ScheduleSimulator.inFlight(Schedules.fillDrain(), Workers.straight(stages), microBatches);
                int[] alternating = ScheduleSimulator.inFlight(
                        Schedules.oneForwardOneBackward(), Workers.straight(stages), microBatches);
                for (int stage = 0; stage < stages; stage++) {
                    assertThat(drained[stage]).isEqualTo(microBatches);
                    assertThat(alternating[stage]).isEqualTo(Math.min(stages - stage, microBatches));
                }
            }
        }
    }

    @Test
    void replicasInTables() {
        assertThat(table(Schedules.fillDrain(), new Workers(List.of(1, 2)), 3)).isEqualTo("""
                        F0,0 F0,1 F0,2 B0,0 B0,1 B0,2
                        F1,0 F1,2 B1,0 B1,2
                        F1,1 B1,1""");
        assertThat(table(Schedules.oneForwardOneBackward(), new Workers(List.of(2, 1)), 5))
                .isEqualTo("""
                        F0,0 F0,2 B0,0 F0,4 B0,2 B0,4
                        F0,1 F0,3 B0,1 B0,3
                        F1,0 B1,0 F1,1 B1,1 F1,2 B1,2 F1,3 B1,3 F1,4 B1,4""");
        assertThat(table(Schedules.oneForwardOneBackward(), new Workers(List.of(3)), 2))
                .isEqualTo("F0,0 B0,0\nF0,1 B0,1\n"); // the third replica has nothing to do
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void replicasWithoutDeadlockAndWithBoundedMicroBatchesInFlight(Schedule schedule) {
        for (Workers workers : combinations(3, 4)) {
            List<StageTimes> stages = workers.replicas().stream()
                    .map(replicas -> new StageTimes(replicas, 1, 2, 0.5))
                    .toList();
            for (int microBatches = 1; microBatches <= 9; microBatches++) {
                Timeline timeline = ScheduleSimulator.simulate(schedule, stages, microBatches);
                assertThat(timeline.spans()).hasSize(passes(schedule) * stages.size() * microBatches);
                int[] inFlight = ScheduleSimulator.inFlight(schedule, workers, microBatches);
                for (int stage = 0; stage < workers.stages(); stage++) {
                    int replicas = workers.replicas(stage);
                    int bound =
                            Math.max(inFlight(workers, stage), schedule.splitsBackward() ? inFlight(workers, 0) : 0);
                    for (int replica = 0; replica < replicas; replica++) {
                        int own = (microBatches - replica + replicas - 1) / replicas;
                        int expected = schedule.equals(Schedules.fillDrain()) ? own : Math.min(own, bound);
                        List<Task> tasks = schedule.tasks(workers, microBatches).get(workers.worker(stage, replica));
                        assertThat(ScheduleSimulator.inFlight(tasks, stage, schedule.lastPass()))
                                .isEqualTo(Math.max(0, expected));
                        if (replica == 0) {
                            assertThat(inFlight[stage]).isEqualTo(Math.max(0, expected));
                        }
                    }
                }
            }
        }
    }

    private static int passes(Schedule schedule) {
        return schedule.splitsBackward() ? 3 : 2;
    }

    private static int inFlight(Workers workers, int stage) {
        return (workers.countFrom(stage) + workers.replicas(stage) - 1) / workers.replicas(stage);
    }

    /** Every combination of 1 to {@code most} replicas for 1 to {@code stages} stages. */
    private static List<Workers> combinations(int stages, int most) {
        List<List<Integer>> all = new ArrayList<>();
        List<List<Integer>> longest = List.of(List.of());
        for (int stage = 0; stage < stages; stage++) {
            List<List<Integer>> longer = new ArrayList<>();
            for (List<Integer> before : longest) {
                for (int replicas = 1; replicas <= most; replicas++) {
                    List<Integer> next = new ArrayList<>(before);
                    next.add(replicas);
                    longer.add(next);
                }
            }
            all.addAll(longer);
            longest = longer;
        }
        return all.stream().map(Workers::new).toList();
    }

    @Test
    void interleavedTables() {
        assertThat(table(Schedules.oneForwardOneBackward(), Workers.inTurn(4, 2), 4))
                .isEqualTo("""
                        F0,0 F0,1 F2,0 F2,1 F0,2 B2,0 F0,3 B2,1 F2,2 B0,0 F2,3 B0,1 B2,2 B2,3 B0,2 B0,3
                        F1,0 F1,1 F3,0 B3,0 F3,1 B3,1 F1,2 B1,0 F1,3 B1,1 F3,2 B3,2 F3,3 B3,3 B1,2 B1,3""");
        assertThat(table(Schedules.oneForwardOneBackward(), Workers.inTurn(3, 2), 3))
                .isEqualTo("""
                        F0,0 F0,1 F2,0 F2,1 F0,2 B2,0 B2,1 F2,2 B0,0 B0,1 B2,2 B0,2
                        F1,0 F1,1 F1,2 B1,0 B1,1 B1,2""");
        assertThat(table(Schedules.fillDrain(), Workers.inTurn(4, 2), 2)).isEqualTo("""
                        F0,0 F0,1 F2,0 F2,1 B2,0 B2,1 B0,0 B0,1
                        F1,0 F1,1 F3,0 F3,1 B3,0 B3,1 B1,0 B1,1""");
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void interleavedWithoutDeadlock(Schedule schedule) {
        for (int workers = 1; workers <= 5; workers++) {
            for (int stages = workers; stages <= 4 * workers; stages++) {
                List<StageTimes> times = Collections.nCopies(stages, new StageTimes(1, 1, 2, 0.5));
                for (int microBatches = 1; microBatches <= 11; microBatches++) {
                    Timeline timeline =
                            ScheduleSimulator.simulate(schedule, Workers.inTurn(stages, workers), times, microBatches);
                    assertThat(timeline.spans()).hasSize(passes(schedule) * stages * microBatches);
                }
            }
        }
    }

    @Test
    void interleavingDividesTheTimeInWhichWorkersWait() {
        for (int workers = 1; workers <= 5; workers++) {
            for (int rounds = 2; rounds <= 4; rounds++) {
                for (int microBatches = workers; microBatches <= 4 * workers; microBatches += workers) {
                    int stages = rounds * workers;
                    Timeline timeline = ScheduleSimulator.simulate(
                            Schedules.oneForwardOneBackward(),
                            Workers.inTurn(stages, workers),
                            Collections.nCopies(stages, StageTimes.of(1, 2)),
                            microBatches);
                    assertThat(timeline.makespanMillis()).isEqualTo(3.0 * (microBatches * rounds + workers - 1));
                }
            }
        }
    }

    @Test
    void interleavedMicroBatchesInFlightAreBounded() {
        for (int workers = 2; workers <= 5; workers++) {
            for (int rounds = 2; rounds <= 4; rounds++) {
                int[] inFlight = ScheduleSimulator.inFlight(
                        Schedules.oneForwardOneBackward(), Workers.inTurn(rounds * workers, workers), 100);
                assertThat(Arrays.stream(inFlight).max().orElseThrow()).isLessThanOrEqualTo(2 * workers);
            }
        }
    }

    @Test
    void stagesWithReplicasDoNotShareWorkers() {
        assertThatThrownBy(() -> new Workers(List.of(2, 2, 2), 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot share workers");
        assertThat(Workers.inTurn(3, 3)).isEqualTo(Workers.straight(3));
        assertThat(Workers.inTurn(5, 2).stagesOf(1)).containsExactly(1, 3);
    }

    @Test
    void stagesOnTheSameDevicesInTurnShareWorkers() {
        assertThat(Workers.on(List.of(List.of("a"), List.of("b"), List.of("a"))))
                .isEqualTo(Workers.inTurn(3, 2));
        assertThat(Workers.on(List.of(List.of("a"), List.of("b")))).isEqualTo(Workers.straight(2));
        assertThat(Workers.on(List.of(List.of("a"), List.of("b"), List.of("b"))))
                .isEqualTo(Workers.straight(3));
        assertThat(Workers.on(List.of(List.of("a", "b"), List.of("a")))).isEqualTo(new Workers(List.of(2, 1)));
    }

    @Test
    void schedulesByName() {
        assertThat(Schedules.all())
                .extracting(Schedule::name)
                .containsExactly("fill-drain", "1f1b", "zb-h1")
                .allSatisfy(name -> assertThat(Schedules.named(name.toUpperCase(Locale.ROOT)))
                        .hasToString(name));
        assertThat(Schedules.named("Zero-Bubble")).isEqualTo(Schedules.zeroBubble());
        assertThat(Schedules.planned()).containsExactly(Schedules.oneForwardOneBackward(), Schedules.zeroBubble());
        assertThat(Schedules.all()).extracting(Schedule::adjective).containsExactly("", "", "zero-bubble");
        assertThatThrownBy(() -> Schedules.named("zero"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("There is no schedule 'zero'; known are fill-drain, 1f1b and zb-h1");
    }

    private static String table(Schedule schedule, int stages, int microBatches) {
        return table(schedule, Workers.straight(stages), microBatches);
    }

    private static String table(Schedule schedule, Workers workers, int microBatches) {
        return schedule.tasks(workers, microBatches).stream()
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
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            return lists;
        }
    }
}
