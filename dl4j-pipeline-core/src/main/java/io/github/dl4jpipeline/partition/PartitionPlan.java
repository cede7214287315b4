package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.file.TextFile;
import io.github.dl4jpipeline.internal.file.WholeFile;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Workers;
import io.github.dl4jpipeline.tile.Tiling;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * @param schedule in which order stages run their tasks
 * @param tiling which vertices are run in spatial tiles, on all devices; empty for none
 * @param prediction what it is predicted to take
 * @param context what it is for, and what it has been compared with
 */
public record PartitionPlan(
        List<Stage> stages,
        int microBatches,
        Schedule schedule,
        Optional<Tiling> tiling,
        Prediction prediction,
        PlanContext context) {

    /** The most micro-batches that a plan can have. */
    public static final int MOST_MICRO_BATCHES = 65_536;

    public PartitionPlan {
        stages = Given.list("stages of a plan", stages);
        Given.notNull("schedule of a plan", schedule);
        Given.notNull("tiling of a plan", tiling);
        Given.notNull("prediction of a plan", prediction);
        Given.notNull("context of a plan", context);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("A plan needs at least one stage");
        }
        if (microBatches < 1 || microBatches > MOST_MICRO_BATCHES) {
            throw new IllegalArgumentException(
                    "A plan needs at least 1 micro-batch, and at most " + MOST_MICRO_BATCHES + ", got " + microBatches);
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
                Schedules.oneForwardOneBackward(),
                Optional.empty(),
                Prediction.unknown(microBatches),
                PlanContext.NONE);
    }

    /** Number of examples of the batch that the prediction is for. */
    public int examples() {
        return prediction.examples();
    }

    /** See {@link Prediction#stepTime}. */
    public Duration predictedStepTime() {
        return prediction.stepTime();
    }

    /** See {@link Prediction#latestExecutionTime}. */
    public Duration latestExecutionTime() {
        return prediction.latestExecutionTime();
    }

    /** See {@link Prediction#oneDeviceTime}. */
    public Duration oneDeviceTime() {
        return prediction.oneDeviceTime();
    }

    /** See {@link Prediction#bubble}. */
    public double bubble() {
        return prediction.bubble();
    }

    /** See {@link PlanContext#alternatives}. */
    public List<Alternative> alternatives() {
        return context.alternatives();
    }

    /** See {@link PlanContext#notes}. */
    public List<String> notes() {
        return context.notes();
    }

    /** See {@link PlanContext#graph}. */
    public Optional<GraphOutline> graph() {
        return context.graph();
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
        return new PartitionPlan(others, microBatches, schedule, tiling, prediction, context);
    }

    /** The same plan with another schedule. */
    public PartitionPlan withSchedule(Schedule other) {
        return new PartitionPlan(stages, microBatches, other, tiling, prediction, context);
    }

    /** The same plan with some vertices in tiles. */
    public PartitionPlan withTiling(Tiling tiles) {
        Optional<Tiling> tiled = Optional.of(Given.notNull("tiling of a plan", tiles));
        return new PartitionPlan(stages, microBatches, schedule, tiled, prediction, context);
    }

    /** The same plan with another time that its steps end by. */
    public PartitionPlan withLatestExecutionTime(Duration latest) {
        return new PartitionPlan(
                stages, microBatches, schedule, tiling, prediction.withLatestExecutionTime(latest), context);
    }

    /** The same plan for a graph that looks like this. */
    public PartitionPlan withGraph(GraphOutline outline) {
        return with(new PlanContext(alternatives(), notes(), Optional.of(Given.notNull("graph of a plan", outline))));
    }

    /** The same plan beside what it has been compared with. */
    public PartitionPlan withAlternatives(List<Alternative> others) {
        return with(new PlanContext(others, notes(), graph()));
    }

    /** The same plan with something more for the user to know. */
    public PartitionPlan withNote(String note) {
        List<String> more = new ArrayList<>(notes());
        more.add(note);
        return with(new PlanContext(alternatives(), more, graph()));
    }

    private PartitionPlan with(PlanContext other) {
        return new PartitionPlan(stages, microBatches, schedule, tiling, prediction, other);
    }

    /** Whether it differs from another plan in nothing but what is said about it. */
    public boolean runsLike(PartitionPlan other) {
        return stages.equals(other.stages)
                && microBatches == other.microBatches
                && schedule.equals(other.schedule)
                && tiling.equals(other.tiling);
    }

    /** What kind of parallelism this is. */
    public PlanKind kind() {
        return PlanKind.of(
                stages, tiling.isPresent(), schedule.adjective(), taskWorkers().interleaved(), grouped() > 1);
    }

    /** Whether its schedule splits backward passes into errors and parameter gradients that can wait. */
    public boolean splitsBackward() {
        return schedule.splitsBackward();
    }

    /** Who runs the tasks of its stages. */
    public Workers taskWorkers() {
        return Workers.on(stages.stream()
                .map(stage -> stage.devices().stream().map(Device::id).toList())
                .toList());
    }

    /** Whether each micro-batch has a replica of its own in every stage, so that all of them run at the same time. */
    public boolean runsMicroBatchesTogether() {
        return stages.stream().allMatch(stage -> stage.replicas() >= microBatches);
    }

    /**
     * How many micro-batches the dense layers at the end of the network run as one: what the last stage says, or 1 where it cannot
     * be. It cannot where stages have replicas or share workers, where the last stage computes its activations again, and with tiles.
     */
    public int grouped() {
        Stage last = stages.get(stages.size() - 1);
        boolean can = tiling.isEmpty()
                && !last.recompute()
                && !taskWorkers().interleaved()
                && stages.stream().allMatch(stage -> stage.replicas() == 1);
        return can ? Math.min(last.grouped(), microBatches) : 1;
    }

    /** Number of workers: the replicas of all stages, or the devices that stages share. */
    public int workers() {
        return taskWorkers().count();
    }

    /** Time per micro-batch of the slowest worker, replicas counting with their share. */
    public double bottleneckMillis() {
        Workers workers = taskWorkers();
        double[] ofWorkers = new double[workers.count()];
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            ofWorkers[workers.worker(i, 0)] += (stage.forwardMillis() + stage.backwardMillis()) / stage.replicas();
        }
        return Arrays.stream(ofWorkers).max().orElse(0);
    }

    /**
     * The plan as JSON, with all that it says.
     *
     * @throws IllegalArgumentException if its schedule is none of {@link Schedules}, since a file has only the schedule's name
     */
    public String toJson() {
        return PlanJson.write(this);
    }

    /**
     * Reads a plan that {@link #toJson} wrote. Its schedule must be one of {@link Schedules}.
     *
     * @throws IllegalArgumentException if it is none; the message says why
     */
    public static PartitionPlan fromJson(String json) {
        return PlanJson.read("This", Given.notNull("json", json));
    }

    /**
     * Writes the plan as JSON, replacing the file in one step.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before
     * @throws IllegalArgumentException if its schedule is none of {@link Schedules}
     */
    public void save(Path file) {
        String json = toJson();
        WholeFile.write(file, draft -> Files.writeString(draft, json));
    }

    /**
     * Reads a plan that {@link #save} wrote.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it does not hold a valid plan; the message names the file
     */
    public static PartitionPlan load(Path file) {
        return PlanJson.read(file.toString(), TextFile.read(file, PlanJson.KIND));
    }

    /** The plan in a few words. */
    public String summary() {
        return String.format(
                "%s, stages %d, workers %d, micro-batches %d", kind(), stages.size(), workers(), microBatches);
    }

    /** The plan as a table for people, with the prediction and what it says about pipelining this graph. */
    public String explain() {
        return explain("example", "examples");
    }

    /**
     * The same, where what a batch has several of is called something else, such as the batches of a published profile.
     *
     * @param example the word for one
     * @param examples the word for several
     */
    public String explain(String example, String examples) {
        return PlanTable.of(this, Given.notNull("example", example), Given.notNull("examples", examples));
    }

    @Override
    public String toString() {
        return explain();
    }
}
