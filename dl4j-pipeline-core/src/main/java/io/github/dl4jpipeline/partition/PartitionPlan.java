package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.tile.Tiling;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How a graph is trained: its stages, and into how many micro-batches a batch is split.
 *
 * @param stages the stages, in the order in which activations flow
 * @param microBatches how many micro-batches a batch is split into; fewer where it has fewer examples
 * @param examples number of examples of the batch that the predictions are for
 * @param schedule name of the schedule
 * @param predictedStepTime predicted time of the forward and backward passes of one step, and of adding up the gradients
 *     of replicas
 * @param latestExecutionTime the same with every vertex taking its longest profiled time; of a plan chosen by measured
 *     steps, what nearly all of these took at most, or somewhat more. An estimate, no guarantee. At least the predicted time
 * @param oneDeviceTime predicted time of the same on the first device alone
 * @param bubble predicted share of the stages' time in which they wait, from 0 to 1
 * @param tiling which vertices are run in spatial tiles, on all devices; empty for none
 * @param alternatives the best plan of each other kind, fastest first
 * @param notes what the planner wants the user to know
 * @param graph what the graph that it is for looks like; empty if that is not known
 */
public record PartitionPlan(
        List<Stage> stages,
        int microBatches,
        int examples,
        String schedule,
        Duration predictedStepTime,
        Duration latestExecutionTime,
        Duration oneDeviceTime,
        double bubble,
        Optional<Tiling> tiling,
        List<Alternative> alternatives,
        List<String> notes,
        Optional<GraphOutline> graph) {

    public PartitionPlan {
        stages = List.copyOf(stages);
        alternatives = List.copyOf(alternatives);
        notes = List.copyOf(notes);
        if (latestExecutionTime.compareTo(predictedStepTime) < 0) {
            latestExecutionTime = predictedStepTime;
        }
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("A plan needs at least one stage");
        }
        if (microBatches < 1) {
            throw new IllegalArgumentException("A plan needs at least 1 micro-batch, got " + microBatches);
        }
        Set<String> seen = new HashSet<>();
        for (Stage stage : stages) {
            for (String vertex : stage.vertices()) {
                if (!seen.add(vertex)) {
                    throw new IllegalArgumentException("Vertex '" + vertex + "' is in two stages of the plan");
                }
            }
        }
    }

    /** A plan with the given stages, without predictions. */
    public static PartitionPlan of(List<Stage> stages, int microBatches) {
        return new PartitionPlan(
                stages,
                microBatches,
                microBatches,
                "1f1b",
                Duration.ZERO,
                Duration.ZERO,
                Duration.ZERO,
                0,
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }

    /**
     * The devices of its stages.
     *
     * @throws IllegalArgumentException if they are of different kinds
     */
    public Devices devices() {
        Map<String, Device> byId = new LinkedHashMap<>();
        stages.stream().flatMap(stage -> stage.devices().stream()).forEach(device -> byId.put(device.id(), device));
        return new Devices(List.copyOf(byId.values()));
    }

    /** The same plan with other estimates for its stages. */
    public PartitionPlan withStages(List<Stage> others) {
        return with(others, latestExecutionTime, tiling, alternatives, notes);
    }

    /** The same plan with another schedule. */
    public PartitionPlan withSchedule(String name) {
        return new PartitionPlan(
                stages,
                microBatches,
                examples,
                name,
                predictedStepTime,
                latestExecutionTime,
                oneDeviceTime,
                bubble,
                tiling,
                alternatives,
                notes,
                graph);
    }

    /** The same plan for a graph that looks like this. */
    public PartitionPlan withGraph(GraphOutline outline) {
        return new PartitionPlan(
                stages,
                microBatches,
                examples,
                schedule,
                predictedStepTime,
                latestExecutionTime,
                oneDeviceTime,
                bubble,
                tiling,
                alternatives,
                notes,
                Optional.of(outline));
    }

    /** The same plan with another time that its steps end by. */
    public PartitionPlan withLatestExecutionTime(Duration latest) {
        return with(stages, latest, tiling, alternatives, notes);
    }

    /** The same plan with some vertices in tiles. */
    public PartitionPlan withTiling(Tiling tiles) {
        return with(stages, latestExecutionTime, Optional.of(tiles), alternatives, notes);
    }

    /** The same plan beside what it has been compared with. */
    public PartitionPlan withAlternatives(List<Alternative> others) {
        return with(stages, latestExecutionTime, tiling, others, notes);
    }

    /** The same plan with something more for the user to know. */
    public PartitionPlan withNote(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(note);
        return with(stages, latestExecutionTime, tiling, alternatives, more);
    }

    private PartitionPlan with(
            List<Stage> otherStages,
            Duration latest,
            Optional<Tiling> tiles,
            List<Alternative> others,
            List<String> otherNotes) {
        return new PartitionPlan(
                otherStages,
                microBatches,
                examples,
                schedule,
                predictedStepTime,
                latest,
                oneDeviceTime,
                bubble,
                tiles,
                others,
                otherNotes,
                graph);
    }

    /** Whether it differs from another plan in nothing but what is said about it. */
    public boolean runsLike(PartitionPlan other) {
        return stages.equals(other.stages)
                && microBatches == other.microBatches
                && schedule.equals(other.schedule)
                && tiling.equals(other.tiling);
    }

    /**
     * What kind of parallelism this is: {@code one device}, {@code one device with N threads}, {@code data parallel},
     * {@code pipeline}, {@code interleaved pipeline}, {@code pipeline of replicated stages} or {@code tiles}; before
     * {@code pipeline}, {@code zero-bubble} if backward passes are split.
     */
    public String kind() {
        if (tiling.isPresent()) {
            return "tiles";
        }
        int most = stages.stream().mapToInt(Stage::replicas).max().orElse(1);
        if (stages.size() == 1) {
            int threads = stages.get(0).device().threads();
            String oneDevice = threads == 1 ? "one device" : "one device with " + threads + " threads";
            return most == 1 ? oneDevice : "data parallel";
        }
        String pipeline = splitsBackward() ? "zero-bubble pipeline" : "pipeline";
        if (most > 1) {
            return pipeline + " of replicated stages";
        }
        return sharedWorkers() > 0 ? "interleaved " + pipeline : pipeline;
    }

    /** Whether its schedule splits backward passes into errors and parameter gradients that can wait. */
    public boolean splitsBackward() {
        return schedule.equals("zb-h1");
    }

    /**
     * How many workers the stages share: where stages without replicas are on fewer devices in turn, each device has one
     * worker, which runs all of its stages. 0 if each replica of a stage has a worker of its own.
     */
    public int sharedWorkers() {
        return sharedWorkers(stages.stream().map(Stage::devices).toList());
    }

    /** The same for the devices of the replicas of each stage. */
    public static int sharedWorkers(List<List<Device>> places) {
        List<String> first =
                places.stream().map(devices -> devices.get(0).id()).distinct().toList();
        for (int stage = 0; stage < places.size(); stage++) {
            if (places.get(stage).size() > 1
                    || !places.get(stage).get(0).id().equals(first.get(stage % first.size()))) {
                return 0;
            }
        }
        return first.size() < places.size() ? first.size() : 0;
    }

    /** Whether each micro-batch has a replica of its own in every stage, so that all of them run at the same time. */
    public boolean runsMicroBatchesTogether() {
        return stages.stream().allMatch(stage -> stage.replicas() >= microBatches);
    }

    /** Number of workers: the replicas of all stages, or the devices that stages share. */
    public int workers() {
        int shared = sharedWorkers();
        return shared > 0 ? shared : stages.stream().mapToInt(Stage::replicas).sum();
    }

    /** Time per micro-batch of the slowest worker, replicas counting with their share. */
    public double bottleneckMillis() {
        int shared = sharedWorkers();
        double[] ofWorkers = new double[shared > 0 ? shared : stages.size()];
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            ofWorkers[i % ofWorkers.length] += (stage.forwardMillis() + stage.backwardMillis()) / stage.replicas();
        }
        return Arrays.stream(ofWorkers).max().orElse(0);
    }

    /** The plan as JSON, with all that it says. */
    public String toJson() {
        return PlanJson.write(this);
    }

    /**
     * Reads a plan that {@link #toJson} wrote.
     *
     * @throws IllegalArgumentException if it is none; the message says why
     */
    public static PartitionPlan fromJson(String json) {
        return PlanJson.read(json);
    }

    /** The plan in a few words. */
    public String summary() {
        return String.format(
                "%s, stages %d, workers %d, micro-batches %d", kind(), stages.size(), workers(), microBatches);
    }

    /** The plan as a table for people, with the prediction and what it says about pipelining this graph. */
    public String explain() {
        return PlanTable.of(this);
    }

    @Override
    public String toString() {
        return explain();
    }
}
