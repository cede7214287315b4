package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.graph.ExampleCoupling;
import io.github.dl4jpipeline.internal.graph.GroupableLayers;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.MemoryKind;
import io.github.dl4jpipeline.internal.memory.StageBytes;
import io.github.dl4jpipeline.internal.plan.Replanner;
import io.github.dl4jpipeline.internal.profile.Effort;
import io.github.dl4jpipeline.internal.profile.ProfileCache;
import io.github.dl4jpipeline.internal.profile.ProfileKey;
import io.github.dl4jpipeline.internal.profile.Profiling;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the user of a builder has asked for, and the plan that follows from it.
 *
 * @param devices those given, or else the default
 * @param asked what is not left to the planner
 * @param tiling the vertices to run in tiles; empty for those of the plan
 * @param listeners who is told of profiling, plans and steps
 */
record PipelineSettings(
        Devices devices,
        boolean devicesGiven,
        PlanOptions asked,
        ResultSettings result,
        Prepared prepared,
        Optional<Tiling> tiling,
        List<PipelineListener> listeners) {

    /** How layers are computed, and whether the result is checked. */
    record ResultSettings(
            BatchNormStatistics batchNorm,
            Kernels kernels,
            Set<Class<?>> exampleIndependent,
            boolean verifyFirstStep) {}

    /**
     * What was made before; null for what the pipeline makes.
     *
     * @param cache keeps profiles for later runs, if it is there
     */
    record Prepared(
            @Nullable GraphProfile profile, @Nullable PartitionPlan plan, Optional<ProfileCache> cache) {}

    /**
     * A profile to make a plan from.
     *
     * @param cached whether it is from the cache
     * @param brief whether a thorough one is to follow
     */
    record FoundProfile(GraphProfile profile, boolean cached, boolean brief) {}

    private static final Logger log = LoggerFactory.getLogger(PipelineSettings.class);

    /** The profile that the user has given; null for none. */
    @Nullable GraphProfile profile() {
        return prepared.profile();
    }

    /** The plan that the user has given; null for none. */
    @Nullable PartitionPlan plan() {
        return prepared.plan();
    }

    /** Where stages have their memory. */
    MemoryKind memory() {
        return MemoryKind.of(runtime());
    }

    /** That of the devices that stages run on. */
    DeviceRuntime runtime() {
        PartitionPlan plan = plan();
        Devices used = plan == null ? devices : plan.devices();
        return DeviceRuntimes.of(used.get(0));
    }

    /** The plans that need no batch: the one given, or those for the profile given; none if there is neither. */
    List<PartitionPlan> plansWithoutBatch(ComputationGraph graph) {
        PartitionPlan plan = plan();
        if (plan != null) {
            requireUncoupled(graph, plan);
            PartitionPlan scheduled = plan.withSchedule(schedule(plan));
            return List.of(tiling.map(scheduled::withTiling).orElse(scheduled));
        }
        if (tiling.isPresent()
                && asked.stages().orElse(1) == 1
                && asked.replicas().orElse(1) == 1) {
            PartitionPlan tiled = oneStage(graph, tiling.get());
            return List.of(tiled.withSchedule(schedule(tiled)));
        }
        GraphProfile profile = profile();
        return profile == null ? List.of() : plans(graph, profile, profile.examples());
    }

    /** One stage, whose tiles all devices run. It needs no profile, which would run the graph without tiles. */
    private PartitionPlan oneStage(ComputationGraph graph, Tiling tiles) {
        List<String> names = VertexGraph.of(graph).names();
        int parts = coupling(graph).isPresent() ? 1 : asked.microBatches().orElse(1);
        return PartitionPlan.of(List.of(Stage.of(devices.get(0), names)), parts)
                .withTiling(tiles)
                .withGraph(GraphOutline.of(graph));
    }

    /**
     * The vertices that are run in tiles, as the user has named them, or else as a plan has them; null for none.
     *
     * @throws IllegalArgumentException if devices have memory of their own
     */
    @Nullable TiledRegion tiledRegion(ComputationGraph graph, @Nullable PartitionPlan made) {
        Optional<Tiling> planned = made == null ? Optional.empty() : made.tiling();
        Optional<Tiling> tiles = tiling.or(() -> planned);
        if (tiles.isPresent() && !memory().sharesTiles()) {
            throw new IllegalArgumentException("Tiles run on devices that share memory, but "
                    + devices.get(0).id() + " has memory of its own; train without tiling, or on Devices.cpu()");
        }
        return tiles.map(named -> TiledRegion.of(graph, named)).orElse(null);
    }

    /**
     * The profile given, or else one of some examples of a batch: from the cache, or measured. Where a better plan can take over
     * later, a brief one does at first.
     */
    FoundProfile profileFor(ComputationGraph graph, MicroBatch batch, Consumer<ProfilingProgress> progress) {
        GraphProfile given = profile();
        if (given != null) {
            return new FoundProfile(given, false, false);
        }
        return cached(graph, batch, Effort.THOROUGH)
                .map(kept -> new FoundProfile(kept, true, false))
                .orElseGet(() -> mayBeginBriefly()
                        ? cached(graph, batch, Effort.FIRST)
                                .map(kept -> new FoundProfile(kept, true, true))
                                .orElseGet(() ->
                                        new FoundProfile(measured(graph, batch, Effort.FIRST, progress), false, true))
                        : new FoundProfile(thoroughProfile(graph, batch, progress), false, false));
    }

    /** The deadline is held against times that a brief profile does not have, and tiles and plans for memory stay. */
    private boolean mayBeginBriefly() {
        return memory().hasRoomForAnyPlan()
                && tiling.isEmpty()
                && asked.deadline().isEmpty();
    }

    /** A profile that plans can be chosen by, measured now. */
    GraphProfile thoroughProfile(ComputationGraph graph, MicroBatch batch, Consumer<ProfilingProgress> progress) {
        return measured(graph, batch, Effort.THOROUGH, progress);
    }

    private GraphProfile measured(
            ComputationGraph graph, MicroBatch batch, Effort effort, Consumer<ProfilingProgress> progress) {
        MicroBatch sample = sample(graph, batch);
        GraphProfile measured =
                Profiling.profile(graph, sample, devices, result.kernels(), isSplittable(graph), effort, progress);
        prepared.cache().ifPresent(cache -> cache.write(key(graph, sample, effort), measured));
        return measured;
    }

    private Optional<GraphProfile> cached(ComputationGraph graph, MicroBatch batch, Effort effort) {
        MicroBatch sample = sample(graph, batch);
        return prepared.cache()
                .flatMap(cache ->
                        cache.read(key(graph, sample, effort), GraphOutline.of(graph), (int) sample.examples()));
    }

    private String key(ComputationGraph graph, MicroBatch sample, Effort effort) {
        return ProfileKey.of(graph, sample, devices, result.kernels(), isSplittable(graph), effort);
    }

    private MicroBatch sample(ComputationGraph graph, MicroBatch batch) {
        int examples = (int) batch.examples();
        int parts = isSplittable(graph) ? examples / GraphProfiler.usualExamples(examples) : 1;
        return batch.split(parts).get(0).with(null);
    }

    private boolean isSplittable(ComputationGraph graph) {
        return couplings(graph).stream().allMatch(ExampleCoupling::batchNorm);
    }

    /** With which code vertices are run, according to a profile if there is one. */
    KernelChoice kernelChoice(@Nullable GraphProfile measured) {
        return KernelChoice.all(result.kernels()).except(measured == null ? Map.of() : measured.otherCode());
    }

    /** The vertices that run with Deeplearning4j's own code, according to a profile if there is one. */
    Set<String> stockVertices(@Nullable GraphProfile measured) {
        return kernelChoice(measured).other().entrySet().stream()
                .filter(entry -> entry.getValue() == KernelCode.STOCK)
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /** The same, from a better profile than the plan that training has begun with. */
    List<PartitionPlan> betterPlans(ComputationGraph graph, GraphProfile measured, PartitionPlan begun) {
        PlanOptions options = options(graph, begun.examples());
        return Planner.finalists(
                measured, devices, microBatchesCount(graph) ? options.withMicroBatches(begun.microBatches()) : options);
    }

    /** The plan for batches of a number of examples, and others that may turn out to be faster. */
    List<PartitionPlan> plans(ComputationGraph graph, GraphProfile measured, int examples) {
        if (mayBeSplit(examples)) {
            coupling(graph).ifPresent(coupling -> log.warn("{}", note(coupling)));
        }
        List<PartitionPlan> plans = Planner.finalists(measured, devices, options(graph, examples)).stream()
                .map(made -> tiling.map(made::withTiling).orElse(made))
                .toList();
        int microBatches = plans.get(0).microBatches();
        return microBatchesCount(graph)
                ? plans.stream()
                        .filter(other -> other.microBatches() == microBatches)
                        .toList()
                : plans;
    }

    /** Whether the result depends on the number of micro-batches. */
    private boolean microBatchesCount(ComputationGraph graph) {
        return result.batchNorm() == BatchNormStatistics.PER_MICRO_BATCH
                && ExampleCoupling.in(graph, BatchNormStatistics.FULL_BATCH, result.exampleIndependent()).stream()
                        .anyMatch(ExampleCoupling::batchNorm);
    }

    /**
     * A plan that fits into the devices' memory. It is the one made or, if that was the planner's and does not fit,
     * another. Where not every plan fits, it has the bytes that its stages take.
     *
     * @throws io.github.dl4jpipeline.exception.DeviceMemoryException if no plan fits
     */
    PartitionPlan planThatFits(
            ComputationGraph graph, PartitionPlan made, @Nullable GraphProfile measured, MicroBatch batch) {
        if (memory().hasRoomForAnyPlan()) {
            return made;
        }
        UnaryOperator<PartitionPlan> count =
                some -> StageBytes.count(graph, some, schedule(some), kernelChoice(measured), batch);
        if (plan() != null || measured == null) {
            PartitionPlan counted = count.apply(made);
            StageBytes.require(counted);
            return counted;
        }
        PlanOptions options = options(graph, made.examples());
        return new FittingPlan(devices, some -> Planner.plan(measured, some, options), count).find(made);
    }

    /** The schedule asked for, or else the plan's. */
    Schedule schedule(PartitionPlan made) {
        return asked.schedule().orElse(made.schedule());
    }

    /**
     * What tries other plans, and makes new ones when devices turn out to be slower or faster. Null where the plan
     * must stay: if the user has given it, where tiles run, and where devices have memory of their own.
     *
     * @param plans the plan made and its alternatives
     * @param stepsBefore number of steps that have been run already
     */
    @Nullable Replanner replanner(
            ComputationGraph graph, @Nullable GraphProfile measured, List<PartitionPlan> plans, long stepsBefore) {
        PartitionPlan made = plans.get(0);
        if (plan() != null
                || !memory().hasRoomForAnyPlan()
                || measured == null
                || tiling.isPresent()
                || made.tiling().isPresent()) {
            return null;
        }
        PlanOptions options = options(graph, made.examples());
        if (microBatchesCount(graph)) {
            options = options.withMicroBatches(made.microBatches());
        }
        return new Replanner(measured, devices, options, plans, stepsBefore);
    }

    private PlanOptions options(ComputationGraph graph, int examples) {
        PlanOptions options =
                asked.withExamples(examples).withRecompute(tiling.isPresent() ? Optional.of(false) : asked.recompute());
        if (tiling.isPresent()) {
            options = options.withInOneStage(tiledVertices(graph, tiling.get()));
        } else if (memory().groupsMicroBatches()) {
            options = options.withInGroups(GroupableLayers.worthGrouping(graph));
        }
        if (mayBeSplit(examples)) {
            Optional<ExampleCoupling> coupling = coupling(graph);
            if (coupling.isPresent()) {
                options = options.withMicroBatches(1).withNote(note(coupling.get()));
            } else if (!joinable(graph).isEmpty()) {
                options = options.withMicroBatchesTogether();
            }
        }
        return options;
    }

    private static Set<String> tiledVertices(ComputationGraph graph, Tiling tiles) {
        VertexGraph vertices = VertexGraph.of(graph);
        return TiledRegion.of(graph, tiles).tiled().stream()
                .map(position -> vertices.get(position).name())
                .collect(Collectors.toSet());
    }

    private boolean mayBeSplit(int examples) {
        return asked.microBatches().orElse(examples) > 1; // a later batch may have more examples than the first
    }

    /** The first vertex because of which a batch must not be split, if there is one. */
    private Optional<ExampleCoupling> coupling(ComputationGraph graph) {
        Set<String> joinable = joinable(graph);
        boolean together =
                asked.microBatches().isEmpty() || asked.microBatches().equals(asked.replicas());
        return couplings(graph).stream()
                .filter(coupling -> !(together && coupling.batchNorm() && joinable.contains(coupling.vertex())))
                .findFirst();
    }

    private List<ExampleCoupling> couplings(ComputationGraph graph) {
        return ExampleCoupling.in(graph, result.batchNorm(), result.exampleIndependent());
    }

    /**
     * Batch normalizations over the whole batch that several micro-batches can compute, if they run at the same time.
     * None where devices have memory of their own: there each would wait for the others' sums.
     */
    private Set<String> joinable(ComputationGraph graph) {
        return memory().joinsStatistics() && result.batchNorm() == BatchNormStatistics.FULL_BATCH
                ? FastLayers.joinableVertices(graph, result.kernels())
                : Set.of();
    }

    private String note(ExampleCoupling coupling) {
        return "1 micro-batch"
                + (asked.microBatches().isPresent()
                        ? " instead of " + asked.microBatches().getAsInt()
                        : "")
                + ": at vertex '" + coupling.vertex() + "' " + coupling.reason()
                + (coupling.remedy().isEmpty() ? "" : "; " + coupling.remedy());
    }

    private void requireUncoupled(ComputationGraph graph, PartitionPlan given) {
        Set<String> joinable = given.runsMicroBatchesTogether() ? joinable(graph) : Set.of();
        for (ExampleCoupling coupling : couplings(graph)) {
            boolean joins = coupling.batchNorm() && joinable.contains(coupling.vertex());
            if (given.microBatches() > 1 && !joins) {
                throw new IllegalArgumentException("The plan has " + given.microBatches()
                        + " micro-batches, but at vertex '" + coupling.vertex() + "' " + coupling.reason()
                        + "; use a plan with 1 micro-batch"
                        + (coupling.remedy().isEmpty() ? "" : "; " + coupling.remedy()));
            }
        }
    }
}
