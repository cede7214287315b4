package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.LinkTimes;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanContext;
import io.github.dl4jpipeline.partition.Prediction;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;

/**
 * Predicts a step by simulating a schedule.
 *
 * <p>The latest execution time is that of the same schedule with every vertex as slow as it has been at the slowest: what slows
 * one down, such as another process, slows down its neighbours too.
 *
 * @param links between devices
 * @param machine what devices do together
 * @param mayRecompute whether a stage whose activations do not fit into its device's memory may compute them again
 * @param sharedSpeed speed of a device beside others, by number of workers, and of those that are busy at the same time
 */
record Predictor(
        int examples,
        LinkTimes links,
        MachineSpeed machine,
        boolean mayRecompute,
        ToDoubleBiFunction<Integer, Integer> sharedSpeed,
        List<String> notes) {

    /** A plan with these stages, without alternatives. */
    PartitionPlan predict(List<StageDraft> drafts, int microBatches, Schedule schedule, Duration oneDeviceTime) {
        Workers workers = Workers.on(drafts.stream()
                .map(draft -> draft.devices().stream().map(Device::id).toList())
                .toList());
        double shared = sharedSpeed.applyAsDouble(
                workers.count(), Math.min(workers.count(), microBatches)); // a micro-batch is in one place at a time
        int[] inFlight = ScheduleSimulator.inFlight(schedule, workers, microBatches);
        List<Stage> stages = new ArrayList<>();
        List<StageTimes> usual = new ArrayList<>();
        List<StageTimes> slow = new ArrayList<>();
        double sync = 0;
        for (int i = 0; i < drafts.size(); i++) {
            StageDraft draft = onAverage(drafts.get(i), microBatches);
            int replicas = draft.devices().size();
            double speed = shared
                    * draft.devices().stream()
                            .mapToDouble(Device::relativeSpeed)
                            .min()
                            .orElseThrow(); // micro-batches go round, so the slowest holds up the others
            double forward = sum(draft, VertexCost::forwardMillis) / speed;
            double backward = sum(draft, VertexCost::backwardMillis) / speed;
            double weights = 0;
            long memory = memory(drafts.get(i), microBatches, inFlight[i], schedule.splitsBackward());
            boolean recompute = recomputes(draft, memory, inFlight[i]);
            if (recompute) {
                memory = memoryRecomputing(draft, microBatches, inFlight[i]);
                backward += forward; // and without activations nothing can wait
            } else if (schedule.splitsBackward()) {
                backward += sum(draft, VertexCost::splitMillis) / speed;
                weights = sum(draft, VertexCost::weightMillis) / speed;
            }
            int first = workers.worker(i, 0);
            boolean last = i == drafts.size() - 1;
            int next = last ? 0 : workers.replicas(i + 1);
            double send = last ? 0 : links.sendMillis((double) draft.crossingBytes(), first, replicas, next);
            double latency = last ? 0 : links.latencyMillis(first, replicas + next);
            Stage stage = draft.stage()
                    .withMillis(forward, backward)
                    .withSentBytes(last ? 0 : draft.crossingBytes())
                    .withMemoryBytes(memory);
            stages.add(recompute ? stage.recomputing() : stage);
            usual.add(new StageTimes(replicas, forward, backward, weights, send, latency));
            double slowForward = sum(draft, cost -> Math.max(cost.forwardMillis(), cost.worstForwardMillis())) / speed;
            double slowBackward = backward
                    + sum(draft, cost -> Math.max(0, cost.worstBackwardMillis() - cost.backwardMillis())) / speed
                    + (recompute ? slowForward - forward : 0);
            double slowWeights = backward == 0 ? 0 : weights * (slowBackward / backward);
            slow.add(new StageTimes(replicas, slowForward, slowBackward, slowWeights, send, latency));
            int active = Math.min(replicas, microBatches);
            sync = Math.max(sync, links.syncMillis(sum(draft, VertexCost::gradientBytes), first, active) / shared);
        }
        Timeline timeline = simulate(schedule, workers, usual, microBatches);
        double latest = simulate(schedule, workers, slow, microBatches).makespanMillis();
        return new PartitionPlan(
                stages,
                microBatches,
                schedule,
                Optional.empty(),
                new Prediction(
                        examples,
                        duration(timeline.makespanMillis() + sync),
                        duration(latest + sync),
                        oneDeviceTime,
                        timeline.bubble()),
                new PlanContext(
                        List.of(),
                        notes,
                        Optional.of(VertexCost.outline(drafts.stream()
                                .flatMap(draft -> draft.costs().stream())
                                .toList()))));
    }

    private Timeline simulate(Schedule schedule, Workers workers, List<StageTimes> stages, int microBatches) {
        return machine.measuredTogether() && links.machines().isEmpty()
                ? ScheduleSimulator.simulateMoving(schedule, workers, stages, microBatches)
                : ScheduleSimulator.simulate(schedule, workers, stages, microBatches);
    }

    /** With the costs of a micro-batch on average: the first of a replica does what comes once, and adds nothing. */
    private StageDraft onAverage(StageDraft draft, int microBatches) {
        double own = Math.max(1, (double) microBatches / draft.devices().size());
        return draft.with(draft.costs().stream()
                .map(cost -> cost.inStep(own, machine.addMillisPerByte()))
                .toList());
    }

    private boolean recomputes(StageDraft draft, long memory, int inFlight) {
        long has = draft.devices().stream().mapToLong(Device::memoryBytes).min().orElseThrow();
        return inFlight > 1 && (draft.recompute() || (mayRecompute && memory > has));
    }

    /** What each replica needs; with split backward passes also for the errors that gradients follow from. */
    private static long memory(StageDraft draft, int microBatches, int inFlight, boolean split) {
        return Math.round(moved(draft, cost -> {
            int arrays = split && cost.weightMillis() > 0 ? 2 : 1;
            return cost.trainingBytes(microBatches) + (double) arrays * cost.activationBytes() * inFlight;
        }));
    }

    /** The same if activations are computed again: those of one micro-batch, and what is sent of the others. */
    private static long memoryRecomputing(StageDraft draft, int microBatches, int inFlight) {
        return Math.round(moved(draft, cost -> cost.trainingBytes(microBatches) + (double) cost.activationBytes())
                + (double) draft.crossingBytes() * inFlight);
    }

    /** A sum over the vertices but for network inputs. */
    private static double moved(StageDraft draft, ToDoubleFunction<VertexCost> value) {
        return draft.costs().stream()
                .filter(VertexCost::movable)
                .mapToDouble(value)
                .sum();
    }

    private static double sum(StageDraft draft, ToDoubleFunction<VertexCost> value) {
        return draft.costs().stream().mapToDouble(value).sum();
    }

    static Duration duration(double millis) {
        return Duration.ofNanos(Math.round(millis * 1e6));
    }
}
