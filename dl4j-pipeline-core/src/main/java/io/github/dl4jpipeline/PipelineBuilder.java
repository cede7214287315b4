package io.github.dl4jpipeline;

import io.github.dl4jpipeline.PipelineSettings.Prepared;
import io.github.dl4jpipeline.PipelineSettings.ResultSettings;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.execute.WrappedModel;
import io.github.dl4jpipeline.internal.profile.ProfileCache;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.schedule.Schedule;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Settings of a {@link PipelineComputationGraph}. All are optional:
 *
 * <pre>{@code
 * PipelineComputationGraph.builder(graph)
 *         .devices(Devices.cpu(2))
 *         .stages(2)
 *         .microBatches(8)
 *         .schedule(Schedules.oneForwardOneBackward())
 *         .build();
 * }</pre>
 */
public final class PipelineBuilder {
    private final ComputationGraphConfiguration configuration;
    private final WrappedModel wrapped;
    private final @Nullable ComputationGraph graph;

    private @Nullable Devices devices;
    private PlanOptions asked = PlanOptions.defaults();
    private BatchNormStatistics batchNorm = BatchNormStatistics.FULL_BATCH;
    private Kernels kernels = Kernels.FAST;
    private @Nullable GraphProfile profile;
    private @Nullable PartitionPlan plan;
    private Optional<FusedTiling> tiling = Optional.empty();
    private Set<Class<?>> exampleIndependent = Set.of();
    private boolean verifyFirstStep;
    private boolean plainFitIfUnsupported;
    private Optional<ProfileCache> cache = Optional.empty();
    private boolean cacheGiven;
    private final List<PipelineListener> listeners = new ArrayList<>();

    PipelineBuilder(
            ComputationGraphConfiguration configuration, WrappedModel wrapped, @Nullable ComputationGraph graph) {
        this.configuration = configuration;
        this.wrapped = wrapped;
        this.graph = graph;
    }

    /** The devices to train on. Default: one per core of this machine. */
    public PipelineBuilder devices(Devices value) {
        devices = given("devices", value);
        return this;
    }

    /**
     * The number of stages. Default: the planner chooses. With more workers than devices, several share a device.
     */
    public PipelineBuilder stages(int value) {
        asked = asked.withStages(value);
        return this;
    }

    /**
     * The number of replicas of every stage, which share its micro-batches: data parallelism within a stage. Each runs on
     * a device of its own, as far as there are devices. 1 makes a straight pipeline. Default: the planner chooses.
     */
    public PipelineBuilder replicas(int value) {
        asked = asked.withReplicas(value);
        return this;
    }

    /**
     * The number of micro-batches that a batch is split into. Default: the planner chooses. A batch with fewer
     * examples is split into single ones. Where a mask could have one value for an example, micro-batches have at
     * least two: Deeplearning4j takes a mask of one value for something else.
     */
    public PipelineBuilder microBatches(int value) {
        asked = asked.withMicroBatches(value);
        return this;
    }

    /**
     * In which order stages run their tasks. Default: the planner chooses between one forward, one backward and zero bubble;
     * a {@link #plan} has its own.
     */
    public PipelineBuilder schedule(Schedule value) {
        asked = asked.withSchedule(given("schedule", value));
        return this;
    }

    /**
     * The longest that the forward and backward passes of a training step may take. Default: none. A plan whose
     * latest execution time is longer is not used. If there is no other, an
     * {@link io.github.dl4jpipeline.exception.NoPlanException} says what would be possible. With a profile
     * {@link #build} throws it, else the first {@code fit}. {@link #build} refuses a {@link #plan} that is later.
     * Tiles in one stage (see {@link #tiling}) and plans without predicted times are not held against the deadline.
     */
    public PipelineBuilder deadline(Duration value) {
        asked = asked.withDeadline(given("deadline", value));
        return this;
    }

    /**
     * Whether stages compute their activations again in backward tasks instead of keeping them from forward tasks.
     * Where several micro-batches are in flight, a stage then holds the activations of one instead of all, for a
     * third more arithmetic. The result is the same. Default: only stages whose activations do not fit into their
     * device's memory do so.
     */
    public PipelineBuilder recompute(boolean value) {
        asked = asked.withRecompute(Optional.of(value));
        return this;
    }

    /** Over which examples batch normalization takes its statistics. Default: the full batch, as plain {@code fit}. */
    public PipelineBuilder batchNorm(BatchNormStatistics value) {
        batchNorm = given("batchNorm", value);
        return this;
    }

    /**
     * Classes of yours that treat the examples of a batch independently: vertices, layers, preprocessors, activation
     * functions, losses, dropout, weight noise or constraints. A graph with any other class that is not
     * Deeplearning4j's has one micro-batch, and {@code output} runs its batches on one device. A few of
     * Deeplearning4j's classes are doubtful too; the plan's note then asks for this setting. It counts for exactly
     * these classes, not for their subclasses. Default: none.
     */
    public PipelineBuilder exampleIndependent(Class<?>... value) {
        if (value == null || Arrays.asList(value).contains(null)) {
            throw new IllegalArgumentException("exampleIndependent takes classes, got null; leave it out for none");
        }
        exampleIndependent = Set.copyOf(Arrays.asList(value));
        return this;
    }

    /** With which code layers are run. Default: the faster one; the result is the same. */
    public PipelineBuilder kernels(Kernels value) {
        kernels = given("kernels", value);
        return this;
    }

    /**
     * A profile of this graph. With it, the first {@code fit} need not measure one. {@link #build} compares it with
     * the graph and makes the plan, for batches of as many examples as the profile has. So profile a whole training
     * batch.
     */
    public PipelineBuilder profile(GraphProfile value) {
        profile = given("profile", value);
        return this;
    }

    /**
     * A plan for this graph. Stages, replicas, micro-batches, devices and recomputation are the plan's, and {@link #build}
     * refuses other settings for them. {@link #schedule} takes the place of the plan's.
     */
    public PipelineBuilder plan(PartitionPlan value) {
        plan = given("plan", value);
        return this;
    }

    /**
     * Runs some vertices in spatial tiles, in training and in {@code output}. All of them must be in one stage; without
     * other settings there is one stage with one micro-batch. The device of that stage and those that no stage uses run
     * tiles at the same time. Default: no tiles, unless the planner finds that nothing else fits into memory.
     */
    public PipelineBuilder tiling(FusedTiling value) {
        tiling = Optional.of(given("tiling", value));
        return this;
    }

    /**
     * Compares the first step of every plan with plain Deeplearning4j, also of plans that are tried or come later.
     * Deeplearning4j's own layer code computes gradient and score of the whole batch on an independent copy of the
     * graph. {@link io.github.dl4jpipeline.graph.SameGradient} is the bound for the difference. Beyond it,
     * {@code fit} throws {@link DifferentResultException} before anything is changed, and so does each later
     * {@code fit} while the difference lasts. {@link PipelineComputationGraph#report()} has what was found. Default:
     * no.
     *
     * <p>Training has the same result with this setting as without, bit for bit. Dropout and weight noise are on in
     * both, and the copy draws the pipeline's. Layers that draw random numbers in another way cannot be compared.
     * Where float needs it, the gradient is computed in double too. For each plan this takes the time of one or two
     * plain steps, and host memory for parameters, gradients and activations of the whole batch. It has no effect on
     * a graph that trains as {@link #plainFitIfUnsupported plain fit} does.
     */
    public PipelineBuilder verifyFirstStep() {
        verifyFirstStep = true;
        return this;
    }

    /**
     * The directory that keeps profiles for later runs of the same graph on this machine. Default: {@code dl4j-pipeline/profiles}
     * in the user's cache directory ({@code $XDG_CACHE_HOME}, or {@code ~/.cache}), or what the system property
     * {@code dl4jpipeline.profileCache} says: a directory, or {@code off}. A profile is used for at most 30 days, and only with the
     * same structure and shapes, batch, devices, processor, versions and settings. What cannot be read or written is left, with a
     * warning.
     */
    public PipelineBuilder profileCache(Path value) {
        cache = Optional.of(new ProfileCache(given("profileCache", value)));
        cacheGiven = true;
        return this;
    }

    /** Neither reads nor keeps profiles. */
    public PipelineBuilder noProfileCache() {
        cache = Optional.empty();
        cacheGiven = true;
        return this;
    }

    /** A listener that is told of profiling, plans and steps; each call adds one. Default: none. */
    public PipelineBuilder listener(PipelineListener value) {
        listeners.add(given("listener", value));
        return this;
    }

    /** Trains a graph that cannot be pipelined as plain {@code fit} does, instead of refusing it. */
    public PipelineBuilder plainFitIfUnsupported() {
        plainFitIfUnsupported = true;
        return this;
    }

    /**
     * Builds the pipeline. Worker threads start with the first {@code fit}.
     *
     * @throws UnsupportedGraphException if the graph cannot be trained in a pipeline
     * @throws IllegalArgumentException if settings contradict each other or the graph
     */
    public PipelineComputationGraph build() {
        if (tiling.isPresent() && asked.recompute().orElse(false)) {
            throw new IllegalArgumentException("Tiles keep their activations; use tiling or recompute(true), not both");
        }
        if (verifyFirstStep) {
            requireVerifiable();
        }
        PipelineSettings settings = new PipelineSettings(
                devices == null ? Devices.cpu() : devices,
                devices != null,
                asked,
                new ResultSettings(batchNorm, kernels, exampleIndependent, verifyFirstStep),
                new Prepared(profile, plan, cacheGiven ? cache : ProfileCache.usual()),
                tiling.map(FusedTiling::tiling),
                List.copyOf(listeners));
        return new PipelineComputationGraph(configuration, wrapped, graph, settings, plainFitIfUnsupported);
    }

    /** @throws IllegalArgumentException for null, which code that is not checked for it may give */
    private static <T> T given(String name, @Nullable T value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must not be null; leave " + name + " out for the default");
        }
        return value;
    }

    private void requireVerifiable() {
        if (batchNorm == BatchNormStatistics.PER_MICRO_BATCH) {
            throw new IllegalArgumentException("verifyFirstStep() compares with plain fit, from whose result"
                    + " batchNorm(PER_MICRO_BATCH) differs by choice; use one of the two, not both");
        }
        DataType type = wrapped.parameters().dataType();
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalArgumentException(
                    "verifyFirstStep() has bounds for FLOAT and DOUBLE, but the graph's parameters" + " are " + type
                            + "; train it in one of these, or without verifyFirstStep()");
        }
    }
}
