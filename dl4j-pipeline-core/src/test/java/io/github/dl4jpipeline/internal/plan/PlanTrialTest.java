package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlanTrialTest {
    private static final int TURN = PlanTrial.WARM_UP + PlanTrial.LEAST_STEPS;

    /** Plans that differ in their number of micro-batches: 1, 2, and so on. */
    private static PlanTrial trial(int plans) {
        return trial(plans, Optional.empty());
    }

    private static PlanTrial trial(int plans, Optional<Duration> deadline) {
        Device device = new Device("d0", Device.Kind.CPU, List.of(0), 1, 1);
        return new PlanTrial(
                IntStream.rangeClosed(1, plans)
                        .mapToObj(
                                microBatches -> PartitionPlan.of(List.of(Stage.of(device, List.of("a"))), microBatches))
                        .toList(),
                deadline);
    }

    /**
     * Ends a trial.
     *
     * @param millis from a plan's place and the number of the step to what the step takes
     * @return the places of the plans of all steps
     */
    private static List<Integer> run(PlanTrial trial, ToDoubleBiFunction<Integer, Integer> millis) {
        List<Integer> places = new ArrayList<>();
        while (!trial.isOver()) {
            int place = trial.plan().microBatches() - 1;
            double taken = millis.applyAsDouble(place, places.size());
            places.add(place);
            trial.afterStep(taken);
        }
        return places;
    }

    private static int kept(PlanTrial trial) {
        return trial.plan().microBatches() - 1;
    }

    private static List<Integer> turns(int... places) {
        return IntStream.of(places)
                .flatMap(place -> IntStream.generate(() -> place).limit(TURN))
                .boxed()
                .toList();
    }

    @Test
    void aSinglePlanIsNotTried() {
        PlanTrial trial = trial(1);
        assertThat(trial.isOver()).isTrue();
        assertThat(kept(trial)).isZero();
        assertThat(trial.measured()).isEmpty();
    }

    @Test
    void endsEarlyWithWhatHasBeenMeasured() {
        PlanTrial early = trial(2);
        for (int step = 0; step < TURN + 2; step++) {
            early.afterStep(100);
        }
        early.stop();
        assertThat(early.isOver()).isTrue();
        assertThat(kept(early)).isZero();
        assertThat(early.measured()).isEmpty();

        PlanTrial later = trial(2);
        for (int step = 0; step < 4 * TURN; step++) {
            later.afterStep(kept(later) == 0 ? 100 : 80);
        }
        assertThat(later.isOver()).isFalse();
        later.stop();
        assertThat(later.isOver()).isTrue();
        assertThat(kept(later)).isEqualTo(1);
        assertThat(later.measured()).hasSize(2);
    }

    @Test
    void turnsGoThereAndBackAndATieGoesToThePlannedOne() {
        PlanTrial trial = trial(2);
        assertThat(run(trial, (place, step) -> place == 0 ? 102 : 100)).isEqualTo(turns(0, 1, 1, 0, 0, 1, 1, 0, 0, 1));
        assertThat(kept(trial)).isZero();
        assertThat(trial.measured()).extracting(MeasuredPlan::stepMillis).containsExactly(100.0, 102.0);
        assertThat(trial.measured()).allMatch(measured -> measured.steps() == PlanTrial.ROUNDS * PlanTrial.LEAST_STEPS);
    }

    @Test
    void theLatestTimeIsWhatNearlyAllMeasuredStepsKeep() {
        PlanTrial slowNowAndThen = trial(2);
        run(slowNowAndThen, (place, step) -> step % 3 == 0 ? 180 : 100);
        assertThat(slowNowAndThen.latestExecutionTime()).isEqualTo(Duration.ofMillis(180));
    }

    @Test
    void theLatestTimeIsTheProfiledOneUnlessThatIsOutOfProportion() {
        assertThat(latestAfterEvenSteps(120)).isEqualTo(Duration.ofMillis(120));
        assertThat(latestAfterEvenSteps(900)).isEqualTo(Duration.ofMillis(150));
        assertThat(latestAfterEvenSteps(60)).isEqualTo(Duration.ofMillis(100));
    }

    /** Of a plan whose steps take 100 ms. */
    private static Duration latestAfterEvenSteps(long profiledMillis) {
        Device device = new Device("d0", Device.Kind.CPU, List.of(0), 1, 1);
        PartitionPlan plan = PartitionPlan.of(List.of(Stage.of(device, List.of("a"))), 1)
                .withLatestExecutionTime(Duration.ofMillis(profiledMillis));
        PlanTrial trial = new PlanTrial(List.of(plan, plan), Optional.empty());
        run(trial, (place, step) -> 100);
        return trial.latestExecutionTime();
    }

    @Test
    void aSlowerPlanStaysIfItKeepsTheDeadlineAndTheFastestDoesNot() {
        ToDoubleBiFunction<Integer, Integer> millis = (place, step) -> place == 1 ? 85 : step % 3 == 0 ? 130 : 80;
        PlanTrial inTime = trial(2, Optional.of(Duration.ofMillis(100)));
        run(inTime, millis);
        assertThat(kept(inTime)).isEqualTo(1);
        PlanTrial noneInTime = trial(2, Optional.of(Duration.ofMillis(50)));
        run(noneInTime, millis);
        assertThat(kept(noneInTime)).isZero();
    }

    @Test
    void saysWhyAPlanStays() {
        assertThat(trial(1).reason()).isEqualTo("no other came into question");
        PlanTrial stopped = trial(2);
        stopped.stop();
        assertThat(stopped.reason()).isEqualTo("it is predicted to be the fastest, and none was measured");
        PlanTrial fastest = trial(2);
        run(fastest, (place, step) -> place == 0 ? 100 : 150);
        assertThat(fastest.reason()).isEqualTo("no other plan was faster");
        PlanTrial late = trial(2, Optional.of(Duration.ofMillis(100)));
        run(late, (place, step) -> place == 1 ? 85 : step % 3 == 0 ? 130 : 80);
        assertThat(late.reason()).endsWith(" was 6 % faster, but not within the deadline");
        PlanTrial tie = trial(2);
        run(tie, (place, step) -> place == 0 ? 102 : 100);
        assertThat(tie.reason())
                .endsWith(" was 2 % faster, but that is too little to tell them apart, and this plan is predicted to be"
                        + " faster");
        PlanTrial disturbed = trial(3);
        double[] usual = {150, 110, 105};
        double[] least = {100, 103, 130};
        run(disturbed, (place, step) -> step % 3 == 0 ? least[place] : usual[place] * least[place] / 100);
        assertThat(disturbed.reason()).endsWith(" was 3 % faster, but its usual steps were slower");
    }

    @Test
    void theFastestStays() {
        PlanTrial trial = trial(4);
        double[] millis = {105, 108, 100, 104};
        run(trial, (place, step) -> millis[place]);
        assertThat(kept(trial)).isEqualTo(2);
        assertThat(trial.measured().get(0).plan()).isEqualTo(trial.plan());
    }

    @Test
    void ofPlansAlikeTheOneStaysThatOtherWorkDisturbsLess() {
        PlanTrial trial = trial(3);
        double[] disturbed = {150, 110, 105};
        double[] millis = {100, 103, 130};
        run(trial, (place, step) -> step % 3 == 0 ? millis[place] : disturbed[place] * millis[place] / 100);
        assertThat(kept(trial)).isEqualTo(1);
    }

    @Test
    void ofPlansThatAreTheSameTheOneWithFewerThreadsOnADeviceStays() {
        Device both = new Device("both", Device.Kind.CPU, List.of(0, 1), 2, 1);
        Device one = new Device("one", Device.Kind.CPU, List.of(0), 1, 1);
        PartitionPlan joint = PartitionPlan.of(List.of(Stage.of(both, List.of("a"))), 1);
        PartitionPlan apart = PartitionPlan.of(List.of(Stage.of(one, List.of("a"))), 2);
        PlanTrial alike = new PlanTrial(List.of(joint, apart), Optional.empty());
        run(alike, (place, step) -> place == 0 ? 100 : 102);
        assertThat(alike.plan().stages()).isEqualTo(apart.stages());
        PlanTrial slower = new PlanTrial(List.of(joint, apart), Optional.empty());
        run(slower, (place, step) -> place == 0 ? 100 : 104);
        assertThat(slower.plan().stages()).isEqualTo(joint.stages());
    }

    @Test
    void ofPlansThatAreTheSameTheOneWithASingleWorkerStays() {
        Device one = new Device("one", Device.Kind.CPU, List.of(0), 1, 1);
        Device two = new Device("two", Device.Kind.CPU, List.of(1), 1, 1);
        PartitionPlan alone = PartitionPlan.of(List.of(Stage.of(one, List.of("a"))), 1);
        PartitionPlan both = PartitionPlan.of(List.of(Stage.of(one, List.of("a")), Stage.of(two, List.of("b"))), 2);
        PlanTrial alike = new PlanTrial(List.of(both, alone), Optional.empty());
        run(alike, (place, step) -> alike.plan().workers() == 1 ? 102 : 100);
        assertThat(alike.plan().stages()).isEqualTo(alone.stages());
        assertThat(alike.reason())
                .endsWith(" was 2 % faster, but that is too little to tell them apart, and this plan is simpler");
        PlanTrial slower = new PlanTrial(List.of(both, alone), Optional.empty());
        run(slower, (place, step) -> slower.plan().workers() == 1 ? 104 : 100);
        assertThat(slower.plan().stages()).isEqualTo(both.stages());
    }

    @Test
    void whatIsClearlySlowerDropsOut() {
        PlanTrial trial = trial(3);
        double[] millis = {100, 210, 160};
        assertThat(run(trial, (place, step) -> millis[place])).isEqualTo(turns(0, 1, 2, 2, 1, 0, 0, 2));
        assertThat(kept(trial)).isZero();
        assertThat(trial.measured()).hasSize(3);
    }

    @Test
    void theFirstStepsOfATurnDoNotCount() {
        PlanTrial trial = trial(2);
        run(trial, (place, step) -> step % TURN < PlanTrial.WARM_UP ? 1000 * (2 - place) : 90 + 10 * place);
        assertThat(kept(trial)).isZero();
        assertThat(trial.measured()).extracting(MeasuredPlan::stepMillis).containsExactly(90.0, 100.0);
    }

    @Test
    void theFirstRoundDoesNotCount() {
        PlanTrial trial = trial(2);
        run(trial, (place, step) -> step < TURN ? 1000 : 90 + 10 * place);
        assertThat(kept(trial)).isZero();
        assertThat(trial.measured()).extracting(MeasuredPlan::stepMillis).containsExactly(90.0, 100.0);
    }

    @Test
    void turnsOfShortStepsHaveMoreOfThem() {
        PlanTrial trial = trial(2);
        List<Integer> places = run(trial, (place, step) -> 2);
        assertThat(places.indexOf(1)).isEqualTo(PlanTrial.WARM_UP + (int) (PlanTrial.LEAST_MILLIS / 2));
    }

    @Test
    void beforeTheFirstTurnEndsNothingHasChanged() {
        PlanTrial trial = trial(2);
        for (int step = 0; step < TURN - 1; step++) {
            trial.afterStep(100);
            assertThat(kept(trial)).isZero();
        }
        trial.afterStep(100);
        assertThat(kept(trial)).isEqualTo(1);
    }

    @Test
    void aMachineThatBecomesSlowerDoesSoForAll() {
        PlanTrial trial = trial(2);
        run(trial, (place, step) -> (place == 0 ? 108 : 100) * (1 + step / 100.0));
        assertThat(kept(trial)).isEqualTo(1);
        trial = trial(2);
        run(trial, (place, step) -> (place == 0 ? 100 : 108) * (2 - step / 100.0));
        assertThat(kept(trial)).isZero();
    }

    @Test
    void noiseCostsLittle() {
        int trials = 1_000;
        int good = 0;
        for (int seed = 0; seed < trials; seed++) {
            Random random = new Random(seed);
            double[] millis = {100, 100 + random.nextInt(50), 70 + random.nextInt(60)};
            PlanTrial trial = trial(3);
            run(trial, (place, step) -> millis[place] * (1 + 0.15 * random.nextGaussian()));
            double best = Math.min(millis[0], millis[2]);
            good += millis[kept(trial)] <= 1.1 * best ? 1 : 0;
        }
        assertThat(good).isGreaterThan(trials * 95 / 100);
    }

    /** Another process makes a third of all turns up to twice as long. */
    @Test
    void burstsOfOtherWork() {
        int trials = 1_000;
        int good = 0;
        for (int seed = 0; seed < trials; seed++) {
            Random random = new Random(seed);
            double[] millis = {100, 125, 80 + random.nextInt(20)};
            double[] slowdowns = random.doubles(1_000, 1.5, 2)
                    .map(slowdown -> random.nextInt(3) == 0 ? slowdown : 1)
                    .toArray();
            PlanTrial trial = trial(3);
            run(trial, (place, step) -> millis[place] * slowdowns[step / TURN] * (1 + 0.05 * random.nextGaussian()));
            good += millis[kept(trial)] <= 1.1 * millis[2] ? 1 : 0;
        }
        assertThat(good).isGreaterThan(trials * 95 / 100);
    }
}
