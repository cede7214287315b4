package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.LinkTimes;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.SplitTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Predictions that were computed by hand. */
class PredictorTest {
    private static final Duration ONE_DEVICE = Duration.ofMillis(500);

    private static Device device(int number, double speed, long memory) {
        return new Device("d" + number, Device.Kind.CPU, List.of(number), memory, speed);
    }

    private static Device device(int number) {
        return device(number, 1, Long.MAX_VALUE);
    }

    /** Takes 4 ms forward, 8 ms at worst; 10 ms backward, 12 ms at worst, of which 3 ms can wait for 1 ms more. */
    private static VertexCost cost(String name, String... inputs) {
        return new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(4, 0, 8),
                new PassTimes(10, 0, 12),
                new SplitTimes(3, 1),
                new VertexBytes(1_000, 100, 200, 50));
    }

    private static StageDraft draft(int vertex, long crossing, boolean recompute, Device... devices) {
        VertexCost cost = vertex == 0 ? cost("v0", "in") : cost("v" + vertex, "v" + (vertex - 1));
        return new StageDraft(List.of(cost), List.of(devices), crossing, recompute);
    }

    private static Predictor predictor(LinkTimes links, MachineSpeed machine, double shared) {
        return new Predictor(8, links, machine, true, (workers, busy) -> workers > 1 ? shared : 1, List.of("a note"));
    }

    private static PartitionPlan predict(
            Predictor predictor, Schedule schedule, int microBatches, StageDraft... drafts) {
        return predictor.predict(List.of(drafts), microBatches, schedule, ONE_DEVICE);
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }

    @Test
    void oneStage() {
        PartitionPlan plan = predict(
                predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1),
                Schedules.oneForwardOneBackward(),
                3,
                draft(0, 0, false, device(0)));
        assertThat(millis(plan.predictedStepTime())).isCloseTo(3 * 14, within(1e-6));
        assertThat(millis(plan.latestExecutionTime())).isCloseTo(3 * 20, within(1e-6));
        assertThat(plan.oneDeviceTime()).isEqualTo(ONE_DEVICE);
        assertThat(plan.bubble()).isZero();
        assertThat(plan.notes()).containsExactly("a note");
    }

    /** The slower device holds up the other replica; both are slowed down by each other. */
    @Test
    void replicasTakeTheSpeedOfTheSlowest() {
        PartitionPlan plan = predict(
                predictor(new LinkTimes(Double.POSITIVE_INFINITY, 0.1), MachineSpeed.UNKNOWN, 0.5),
                Schedules.oneForwardOneBackward(),
                2,
                draft(0, 0, false, device(0, 2, Long.MAX_VALUE), device(1, 4, Long.MAX_VALUE)));
        Stage stage = plan.stages().get(0);
        assertThat(stage.forwardMillis()).isCloseTo(4 / (2 * 0.5), within(1e-9));
        assertThat(stage.backwardMillis()).isCloseTo(10 / (2 * 0.5), within(1e-9));
        // 200 bytes of gradients for 0.1 ms each, of which each replica adds up half, at half speed.
        assertThat(millis(plan.predictedStepTime())).isCloseTo(14 + 0.1 * 200 / 2 / 0.5, within(1e-6));
    }

    @Test
    void gradientsOfLaterMicroBatchesAreAdded() {
        MachineSpeed adds = new MachineSpeed(1, 0, 1, 1, 10_000); // 0.01 ms for a byte
        PartitionPlan plan = predict(
                predictor(LinkTimes.NONE, adds, 1),
                Schedules.oneForwardOneBackward(),
                4,
                draft(0, 0, false, device(0, 2, Long.MAX_VALUE)));
        // Three of four micro-batches add 200 bytes, on a device of twice the speed.
        assertThat(plan.stages().get(0).backwardMillis()).isCloseTo((10 + 0.01 * 200 * 3 / 4) / 2, within(1e-9));
    }

    private static StageDraft withWhatComesOnce(Device... devices) {
        VertexCost cost = new VertexCost(
                "v0",
                List.of("in"),
                new PassTimes(4, 1, 8, 1),
                new PassTimes(10, 3, 12, 2),
                new SplitTimes(3, 1),
                new VertexBytes(1_000, 100, 200, 50, 800, 400));
        return new StageDraft(List.of(cost), List.of(devices), 0, false);
    }

    /** The first micro-batch of each replica takes 1 ms forward and 2 ms backward more than the others. */
    @Test
    void whatComesOnceForAllMicroBatches() {
        Predictor predictor = predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1);
        Schedule schedule = Schedules.oneForwardOneBackward();
        PartitionPlan plan = predict(predictor, schedule, 4, withWhatComesOnce(device(0)));
        Stage stage = plan.stages().get(0);
        assertThat(stage.forwardMillis()).isCloseTo((4 + 3 * 3) / 4.0, within(1e-9));
        assertThat(stage.backwardMillis()).isCloseTo((10 + 3 * 8) / 4.0, within(1e-9));
        assertThat(millis(plan.predictedStepTime())).isCloseTo(14 + 3 * 11, within(1e-6));
        assertThat(millis(plan.latestExecutionTime())).isCloseTo(20 + 3 * 17, within(1e-6));
        assertThat(millis(predict(predictor, schedule, 4, withWhatComesOnce(device(0), device(1)))
                        .predictedStepTime()))
                .isCloseTo(14 + 11, within(1e-6));
        assertThat(millis(predict(predictor, schedule, 1, withWhatComesOnce(device(0)))
                        .predictedStepTime()))
                .isCloseTo(14, within(1e-6));
    }

    /** It belongs to the parameter gradients, as far as these take that long. */
    @Test
    void whatComesOnceOfWeightsThatWait() {
        PartitionPlan plan = predict(
                predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1),
                Schedules.zeroBubble(),
                2,
                withWhatComesOnce(device(0)),
                draft(1, 0, false, device(1)));
        List<StageTimes> times = List.of(new StageTimes(1, 3.5, 10, 2, 0), new StageTimes(1, 4, 11, 3, 0));
        assertThat(millis(plan.predictedStepTime()))
                .isCloseTo(
                        ScheduleSimulator.simulate(Schedules.zeroBubble(), times, 2)
                                .makespanMillis(),
                        within(1e-6));
    }

    /** What micro-batches leave to later ones, and packed parameters. */
    @Test
    void memoryOfWhatComesOnce() {
        Predictor predictor = predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1);
        Schedule schedule = Schedules.fillDrain();
        assertThat(predict(predictor, schedule, 3, withWhatComesOnce(device(0)))
                        .stages()
                        .get(0)
                        .memoryBytes())
                .isEqualTo(100 + 400 + 200 + 50 + 800 + 3 * 1_000);
        assertThat(predict(predictor, schedule, 1, withWhatComesOnce(device(0)))
                        .stages()
                        .get(0)
                        .memoryBytes())
                .isEqualTo(100 + 400 + 200 + 50 + 1_000);
    }

    /** A pass that is split takes longer; the part that can wait fills the bubble. */
    @Test
    void weightsThatWait() {
        Predictor predictor = predictor(new LinkTimes(100, 0), MachineSpeed.UNKNOWN, 1);
        PartitionPlan plan = predict(
                predictor, Schedules.zeroBubble(), 1, draft(0, 200, false, device(0)), draft(1, 0, false, device(1)));
        assertThat(plan.stages()).extracting(Stage::backwardMillis).containsExactly(11.0, 11.0);
        assertThat(plan.stages()).extracting(Stage::sentBytes).containsExactly(200L, 0L);
        // Forward, send 2 ms, forward, errors of the second, send 2 ms, errors and weights of the first.
        assertThat(millis(plan.predictedStepTime())).isCloseTo(4 + 2 + 4 + 8 + 2 + 8 + 3, within(1e-6));
        // Backward at worst 2 ms more, and its parts in proportion: 13 in place of 11.
        double errors = 13 - 3 * 13 / 11.0;
        assertThat(millis(plan.latestExecutionTime()))
                .isCloseTo(8 + 2 + 8 + errors + 2 + errors + 3 * 13 / 11.0, within(1e-6));
        // The error stays beside the activation until the weights' part has run.
        assertThat(plan.stages().get(1).memoryBytes()).isEqualTo(100 + 200 + 50 + 2 * 1_000);
    }

    @Test
    void activationsThatAreComputedAgain() {
        Predictor predictor = predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1);
        Schedule schedule = Schedules.fillDrain();
        PartitionPlan kept = predict(predictor, schedule, 3, draft(0, 0, false, device(0)));
        long training = 100 + 2 * 200 + 50; // gradients of one micro-batch, and of all
        assertThat(kept.stages().get(0).memoryBytes()).isEqualTo(training + 3 * 1_000);
        assertThat(kept.stages().get(0).recompute()).isFalse();

        PartitionPlan exactlyFits =
                predict(predictor, schedule, 3, draft(0, 0, false, device(0, 1, training + 3 * 1_000)));
        assertThat(exactlyFits.stages().get(0).recompute()).isFalse();

        PartitionPlan tooSmall = predict(
                predictor,
                schedule,
                3,
                draft(0, 7, false, device(0, 1, training + 2_999)),
                draft(1, 0, true, device(1)));
        Stage first = tooSmall.stages().get(0);
        assertThat(first.recompute()).isTrue();
        assertThat(first.backwardMillis()).isEqualTo(10 + 4);
        assertThat(first.memoryBytes()).isEqualTo(training + 1_000 + 3 * 7);
        assertThat(tooSmall.stages().get(1).recompute()).isTrue();

        // Nothing is computed again where one micro-batch is in flight: that would save nothing.
        assertThat(predict(predictor, schedule, 1, draft(0, 0, true, device(0)))
                        .stages()
                        .get(0)
                        .recompute())
                .isFalse();
        Predictor never =
                new Predictor(8, LinkTimes.NONE, MachineSpeed.UNKNOWN, false, (workers, busy) -> 1, List.of());
        assertThat(predict(never, schedule, 3, draft(0, 0, false, device(0, 1, 10)))
                        .stages()
                        .get(0)
                        .recompute())
                .isFalse();
    }

    /** Forward again counts at its slowest, too. */
    @Test
    void theLatestTimeOfWhatIsComputedAgain() {
        PartitionPlan plan = predict(
                predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1),
                Schedules.fillDrain(),
                2,
                draft(0, 0, true, device(0)));
        assertThat(millis(plan.predictedStepTime())).isCloseTo(2 * (4 + 14), within(1e-6));
        assertThat(millis(plan.latestExecutionTime())).isCloseTo(2 * (8 + 12 + 8), within(1e-6));
    }

    /** Where devices share memory, a worker that would wait takes over weights that are ready. */
    @Test
    void movesWeightsOnlyOnAMachineThatWasMeasuredTogether() {
        StageDraft[] drafts = {draft(0, 0, false, device(0)), draft(1, 0, false, device(1))};
        MachineSpeed together = new MachineSpeed(2, 0, 1.9, 1, 0);
        Schedule schedule = Schedules.zeroBubble();
        Workers workers = Workers.on(List.of(List.of("d0"), List.of("d1")));
        List<StageTimes> times = List.of(new StageTimes(1, 4, 11, 3, 0), new StageTimes(1, 4, 11, 3, 0));
        assertThat(millis(predict(predictor(LinkTimes.NONE, together, 1), schedule, 2, drafts)
                        .predictedStepTime()))
                .isCloseTo(
                        ScheduleSimulator.simulateMoving(schedule, workers, times, 2)
                                .makespanMillis(),
                        within(1e-6));
        assertThat(millis(predict(predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1), schedule, 2, drafts)
                        .predictedStepTime()))
                .isCloseTo(
                        ScheduleSimulator.simulate(schedule, workers, times, 2).makespanMillis(), within(1e-6));
    }

    /** Of two vertices, one is run by both micro-batches as one, in less than twice the time. */
    @Test
    void groupsRunTheirVerticesOnce() {
        VertexCost alone = new VertexCost(
                "alone",
                List.of("in"),
                new PassTimes(4, 0, 4),
                new PassTimes(10, 0, 10),
                new VertexBytes(1_000, 100, 200, 50));
        VertexCost grouped = cost("grouped", "alone");
        StageDraft.Group both = new StageDraft.Group(
                2,
                List.of(new VertexCost(
                        "grouped",
                        List.of("alone"),
                        new PassTimes(5, 0, 9),
                        new PassTimes(12, 0, 15),
                        new VertexBytes(2_000, 100, 200, 50))));
        StageDraft draft = new StageDraft(List.of(alone, grouped), List.of(device(0)), 0, false).grouping(both);
        PartitionPlan plan = predict(
                predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1), Schedules.oneForwardOneBackward(), 4, draft);
        assertThat(plan.grouped()).isEqualTo(2);
        assertThat(plan.schedule()).isEqualTo(Schedules.oneForwardOneBackward());
        assertThat(millis(plan.predictedStepTime())).isEqualTo(4 * 14 + 2 * 17);
        assertThat(millis(plan.latestExecutionTime())).isEqualTo(4 * 14 + 2 * 24);
        assertThat(plan.stages().get(0).forwardMillis()).isEqualTo(6.5);
        assertThat(plan.stages().get(0).backwardMillis()).isEqualTo(16);
        assertThat(plan.stages().get(0).vertices()).containsExactly("alone", "grouped");
    }

    /** The second stage runs both micro-batches as one, so its first backward pass has to wait for both. */
    @Test
    void aStageThatGroupsWaitsForAll() {
        StageDraft last = draft(1, 0, false, device(1));
        StageDraft grouping = last.grouping(new StageDraft.Group(2, last.costs()));
        Predictor predictor = predictor(LinkTimes.NONE, MachineSpeed.UNKNOWN, 1);
        PartitionPlan plan =
                predict(predictor, Schedules.oneForwardOneBackward(), 2, draft(0, 0, false, device(0)), grouping);
        // 2 forward, then 4 + 10 for both, then 2 backward
        assertThat(millis(plan.predictedStepTime())).isEqualTo(8 + 14 + 20);
    }
}
