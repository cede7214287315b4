package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.LinkTimes;
import io.github.dl4jpipeline.internal.schedule.GroupingSchedule;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanContext;
import io.github.dl4jpipeline.partition.Prediction;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.GroupTimes;
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

    /** Times of some vertices of a stage. */
    private record Times(double forward, double backward, double weights) {
        Times over(double speed) {
            return new Times(forward / speed, backward / speed, weights / speed);
        }

        GroupTimes group(int size) {
            return new GroupTimes(size, forward, backward, weights);
        }
    }

    /** A plan with these stages, without alternatives. Of the last one, several micro-batches may run the last vertices as one. */
    PartitionPlan predict(List<StageDraft> drafts, int microBatches, Schedule schedule, Duration oneDeviceTime) {
        Workers workers = Workers.on(drafts.stream()
                .map(draft -> draft.devices().stream().map(Device::id).toList())
                .toList());
        double shared = sharedSpeed.applyAsDouble(
                workers.count(), Math.min(workers.count(), microBatches)); // a micro-batch is in one place at a time
        Schedule order = GroupingSchedule.of(
                schedule, drafts.get(drafts.size() - 1).group().size());
        int[] inFlight = ScheduleSimulator.inFlight(order, workers, microBatches);
        List<Stage> stages = new ArrayList<>();
        List<StageTimes> usual = new ArrayList<>();
        List<StageTimes> slow = new ArrayList<>();
        double sync = 0;
        for (int i = 0; i < drafts.size(); i++) {
            StageDraft draft = drafts.get(i);
            int replicas = draft.devices().size();
            double speed = shared
                    * draft.devices().stream()
                            .mapToDouble(Device::relativeSpeed)
                            .min()
                            .orElseThrow(); // micro-batches go round, so the slowest holds up the others
            long memory = memory(draft, microBatches, inFlight[i], schedule.splitsBackward());
            boolean recompute = recomputes(draft, memory, inFlight[i]);
            if (recompute) {
                memory = memoryRecomputing(draft, microBatches, inFlight[i]);
            }
            int size = draft.group().size();
            int groups = (microBatches + size - 1) / size;
            List<VertexCost> alone = onAverage(draft.alone(), (double) microBatches / replicas);
            List<VertexCost> grouped = onAverage(draft.group().costs(), groups);
            boolean splits = schedule.splitsBackward();
            Times own = usual(alone, splits, recompute).over(speed);
            Times ownSlow = slow(alone, splits, recompute).over(speed);
            GroupTimes ofGroup = usual(grouped, splits, recompute).over(speed).group(size);
            GroupTimes ofSlowGroup =
                    slow(grouped, splits, recompute).over(speed).group(size);
            int first = workers.worker(i, 0);
            boolean last = i == drafts.size() - 1;
            int next = last ? 0 : workers.replicas(i + 1);
            double send = last ? 0 : links.sendMillis((double) draft.crossingBytes(), first, replicas, next);
            double latency = last ? 0 : links.latencyMillis(first, replicas + next);
            double share = (double) groups / microBatches;
            Stage stage = draft.stage()
                    .withMillis(
                            own.forward() + share * ofGroup.forwardMillis(),
                            own.backward() + share * ofGroup.backwardMillis())
                    .withSentBytes(last ? 0 : draft.crossingBytes())
                    .withMemoryBytes(memory);
            stages.add(recompute ? stage.recomputing() : stage);
            usual.add(new StageTimes(replicas, own.forward(), own.backward(), own.weights(), send, latency, ofGroup));
            slow.add(new StageTimes(
                    replicas, ownSlow.forward(), ownSlow.backward(), ownSlow.weights(), send, latency, ofSlowGroup));
            int active = Math.min(replicas, microBatches);
            sync = Math.max(
                    sync, links.syncMillis(sum(draft.costs(), VertexCost::gradientBytes), first, active) / shared);
        }
        Timeline timeline = simulate(order, workers, usual, microBatches);
        double latest = simulate(order, workers, slow, microBatches).makespanMillis();
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

    /** @param recompute whether the backward pass runs the forward pass again; without activations nothing can wait */
    private static Times usual(List<VertexCost> costs, boolean splits, boolean recompute) {
        double forward = sum(costs, VertexCost::forwardMillis);
        double backward = sum(costs, VertexCost::backwardMillis);
        if (recompute) {
            return new Times(forward, backward + forward, 0);
        }
        return splits
                ? new Times(
                        forward, backward + sum(costs, VertexCost::splitMillis), sum(costs, VertexCost::weightMillis))
                : new Times(forward, backward, 0);
    }

    private static Times slow(List<VertexCost> costs, boolean splits, boolean recompute) {
        Times usual = usual(costs, splits, recompute);
        double forward = sum(costs, cost -> Math.max(cost.forwardMillis(), cost.worstForwardMillis()));
        double backward = usual.backward()
                + sum(costs, cost -> Math.max(0, cost.worstBackwardMillis() - cost.backwardMillis()))
                + (recompute ? forward - usual.forward() : 0);
        double weights = usual.backward() == 0 ? 0 : usual.weights() * (backward / usual.backward());
        return new Times(forward, backward, weights);
    }

    private Timeline simulate(Schedule schedule, Workers workers, List<StageTimes> stages, int microBatches) {
        return machine.measuredTogether() && links.machines().isEmpty()
                ? ScheduleSimulator.simulateMoving(schedule, workers, stages, microBatches)
                : ScheduleSimulator.simulate(schedule, workers, stages, microBatches);
    }

    /**
     * The costs of a micro-batch on average: the first of a replica does what comes once, and adds nothing.
     *
     * @param own how many a replica has
     */
    private List<VertexCost> onAverage(List<VertexCost> costs, double own) {
        return costs.stream()
                .map(cost -> cost.inStep(Math.max(1, own), machine.addMillisPerByte()))
                .toList();
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

    private static double sum(List<VertexCost> costs, ToDoubleFunction<VertexCost> value) {
        return costs.stream().mapToDouble(value).sum();
    }

    static Duration duration(double millis) {
        return Duration.ofNanos(Math.round(millis * 1e6));
    }
}
