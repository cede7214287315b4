package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Partitioner;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns a profile into a plan: one stage per device unless the user says otherwise, cut where the slowest stage is
 * fastest, predicted by simulating the schedule.
 */
public final class Planner {
    private final List<VertexCost> costs;
    private final Devices devices;
    private final PlanOptions options;
    private final int examples;
    private final int microBatches;

    /** What a cost of the profile becomes for one micro-batch. */
    private final double scale;

    private Workers workers = Workers.straight(1);

    private Planner(GraphProfile profile, Devices devices, PlanOptions options) {
        this.costs = profile.vertices();
        this.devices = devices;
        this.options = options;
        this.examples = options.examples().orElse(profile.examples());
        this.microBatches =
                Math.min(options.microBatches().orElse(PlanOptions.defaultMicroBatches(examples)), examples);
        this.scale = (double) examples / microBatches / profile.examples();
    }

    /**
     * Plans the training of a profiled graph.
     *
     * @throws IllegalArgumentException if more stages are asked for than the graph has vertices
     */
    public static PartitionPlan plan(GraphProfile profile, Devices devices, PlanOptions options) {
        return new Planner(profile, devices, options).plan();
    }

    private PartitionPlan plan() {
        List<VertexCost> movable =
                costs.stream().filter(cost -> !cost.inputs().isEmpty()).toList();
        int replicas = options.replicas().orElse(1);
        int stages = options.stages().orElse(Math.min(Math.max(1, devices.size() / replicas), movable.size()));
        workers = new Workers(Collections.nCopies(stages, replicas));
        List<List<Device>> places = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            List<Device> ofStage = new ArrayList<>();
            for (int replica = 0; replica < replicas; replica++) {
                ofStage.add(devices.get(workers.worker(stage, replica) % devices.size()));
            }
            places.add(ofStage);
        }
        int[] ends = Partitioner.cut(
                movable.stream().mapToDouble(VertexCost::millis).toArray(),
                cutBytes(movable),
                places.stream().mapToDouble(Planner::speed).toArray());
        Map<String, Integer> stageOf = stageOf(movable, ends);

        List<Stage> planned = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            planned.add(stage(stage, places.get(stage), stageOf));
        }
        Timeline timeline = ScheduleSimulator.simulate(
                options.schedule(),
                planned.stream()
                        .map(stage -> new StageTimes(replicas, stage.forwardMillis(), stage.backwardMillis(), 0))
                        .toList(),
                microBatches);
        double oneDevice = costs.stream().mapToDouble(VertexCost::millis).sum()
                * scale
                * microBatches
                / devices.get(0).relativeSpeed();
        return new PartitionPlan(
                planned,
                microBatches,
                examples,
                options.schedule().name(),
                duration(timeline.makespanMillis()),
                duration(oneDevice),
                timeline.bubble(),
                options.notes());
    }

    /** Micro-batches go round, so the slowest replica holds up the others. */
    private static double speed(List<Device> replicas) {
        return replicas.stream().mapToDouble(Device::relativeSpeed).min().orElseThrow();
    }

    private Stage stage(int stage, List<Device> replicas, Map<String, Integer> stageOf) {
        double forward = 0;
        double backward = 0;
        long parameters = 0;
        long gradients = 0;
        long updater = 0;
        long activations = 0;
        long sent = 0;
        List<String> names = new ArrayList<>();
        Set<String> needed = neededAfter(stage, stageOf);
        for (VertexCost cost : costs) {
            if (stageOf.get(cost.vertex()) != stage) {
                continue;
            }
            names.add(cost.vertex());
            forward += cost.forwardMillis();
            backward += cost.backwardMillis();
            parameters += cost.parameterBytes();
            gradients += cost.gradientBytes();
            updater += cost.updaterBytes();
            activations += cost.activationBytes();
            sent += needed.contains(cost.vertex()) ? cost.activationBytes() : 0;
        }
        int inFlight = ScheduleSimulator.inFlight(options.schedule(), workers, microBatches)[workers.worker(stage, 0)];
        // Gradients of a second and later micro-batches are computed apart before they are added.
        long gradientCopies = microBatches > 1 ? 2 : 1;
        long memory = parameters + gradients * gradientCopies + updater + Math.round(activations * scale) * inFlight;
        return new Stage(
                names,
                replicas,
                forward * scale / speed(replicas),
                backward * scale / speed(replicas),
                Math.round(sent * scale),
                memory);
    }

    /** Names of the vertices of a stage whose output a later stage reads. */
    private Set<String> neededAfter(int stage, Map<String, Integer> stageOf) {
        Set<String> needed = new HashSet<>();
        for (VertexCost cost : costs) {
            if (stageOf.get(cost.vertex()) > stage) {
                needed.addAll(cost.inputs());
            }
        }
        return needed;
    }

    /** The stage of each vertex; network inputs go where they are first read. */
    private Map<String, Integer> stageOf(List<VertexCost> movable, int[] ends) {
        Map<String, Integer> stageOf = new HashMap<>();
        int stage = 0;
        for (int i = 0; i < movable.size(); i++) {
            while (i >= ends[stage]) {
                stage++;
            }
            VertexCost cost = movable.get(i);
            stageOf.put(cost.vertex(), stage);
            int reader = stage;
            cost.inputs().forEach(input -> stageOf.putIfAbsent(input, reader));
        }
        costs.forEach(cost -> stageOf.putIfAbsent(cost.vertex(), 0));
        return stageOf;
    }

    /** By index: the bytes of the outputs up to it that are read after it, forward and back. */
    private static long[] cutBytes(List<VertexCost> movable) {
        Map<String, Integer> indexOf = new HashMap<>();
        Map<String, Integer> lastReader = new HashMap<>();
        for (int i = 0; i < movable.size(); i++) {
            indexOf.put(movable.get(i).vertex(), i);
            for (String input : movable.get(i).inputs()) {
                lastReader.put(input, i);
            }
        }
        long[] bytes = new long[movable.size()];
        for (VertexCost cost : movable) {
            for (int i = indexOf.get(cost.vertex()); i < lastReader.getOrDefault(cost.vertex(), 0); i++) {
                bytes[i] += 2 * cost.activationBytes();
            }
        }
        return bytes;
    }

    private static Duration duration(double millis) {
        return Duration.ofNanos(Math.round(millis * 1e6));
    }
}
