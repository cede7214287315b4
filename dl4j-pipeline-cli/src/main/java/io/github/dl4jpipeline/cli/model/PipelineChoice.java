package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.PipelineListener;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.Schedule;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * What the user wants of the pipeline.
 *
 * @param split into which stages and micro-batches
 * @param kernels with which code layers are run; empty for the faster one
 * @param deadlineMillis the longest that a step may take; empty for no limit
 * @param tiles which vertices are run in tiles
 * @param verify whether the first step is compared with plain Deeplearning4j's
 */
public record PipelineChoice(
        Split split, Optional<Kernels> kernels, OptionalInt deadlineMillis, TileChoice tiles, boolean verify) {

    /**
     * How the work is split.
     *
     * @param devices where stages run; empty for the cores of this machine
     * @param stages number of stages; empty leaves it to the planner
     * @param replicas number of replicas of every stage; empty leaves it to the planner
     * @param microBatches number of micro-batches; empty leaves it to the planner
     * @param schedule the order in which stages run their tasks; empty leaves it to the planner
     */
    public record Split(
            Optional<Devices> devices,
            OptionalInt stages,
            OptionalInt replicas,
            OptionalInt microBatches,
            Optional<Schedule> schedule) {}

    private static final int MOST_PROFILED = 16;

    /** The same on devices, or if empty on the cores of this machine. */
    public PipelineChoice on(Optional<Devices> other) {
        Split moved = new Split(other, split.stages(), split.replicas(), split.microBatches(), split.schedule());
        return new PipelineChoice(moved, kernels, deadlineMillis, tiles, verify);
    }

    /** The same, with the first step compared or not. */
    public PipelineChoice verifying(boolean other) {
        return new PipelineChoice(split, kernels, deadlineMillis, tiles, other);
    }

    /**
     * A pipeline around a model.
     *
     * @param batch examples of a batch
     * @throws InputException if the model cannot be trained in a pipeline, or has fewer vertices than stages
     */
    public PipelineComputationGraph build(NamedModel model, int batch) {
        return build(model, batch, Optional.empty());
    }

    /** The same with a listener, which is told of profiling for tiles too. */
    public PipelineComputationGraph build(NamedModel model, int batch, Optional<PipelineListener> listener) {
        PipelineBuilder builder = builder(model).kernels(codeOfLayers());
        listener.ifPresent(builder::listener);
        split.schedule().ifPresent(builder::schedule);
        split.devices().ifPresent(builder::devices);
        split.stages().ifPresent(builder::stages);
        split.replicas().ifPresent(builder::replicas);
        split.microBatches().ifPresent(builder::microBatches);
        deadlineMillis.ifPresent(millis -> builder.deadline(Duration.ofMillis(millis)));
        if (verify) {
            builder.verifyFirstStep();
        }
        requireVertices(model);
        try {
            addTiles(builder, model, batch, listener);
            return builder.build();
        } catch (UnsupportedGraphException e) {
            throw new InputException(model.name() + ": " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            boolean tiled = tiles.chosen() || tiles.named().isPresent();
            throw new InputException((tiled ? "--tiles, " : "") + model.name() + ": " + e.getMessage(), e);
        }
    }

    private void requireVertices(NamedModel model) {
        long vertices = model.model() instanceof MultiLayerNetwork network
                ? network.getnLayers()
                : VertexGraph.of((ComputationGraph) model.model()).vertices().stream()
                        .filter(vertex -> !vertex.inputs().isEmpty())
                        .count();
        if (split.stages().orElse(1) > vertices) {
            throw new InputException("--stages must be at most " + vertices + ", the number of vertices of "
                    + model.name() + ", got " + split.stages().getAsInt());
        }
    }

    /**
     * A pipeline around a model with a plan that has been made before.
     *
     * @throws InputException if the plan is not for this model
     */
    public PipelineComputationGraph build(NamedModel model, HeldPlan held, PipelineListener listener) {
        PipelineBuilder builder =
                builder(model).kernels(held.kernels()).plan(held.plan()).listener(listener);
        held.profile().ifPresent(builder::profile);
        split.devices().ifPresent(builder::devices);
        if (verify) {
            builder.verifyFirstStep();
        }
        try {
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new InputException("The plan is not for " + model.name() + ": " + e.getMessage(), e);
        }
    }

    private static PipelineBuilder builder(NamedModel model) {
        return model.model() instanceof ComputationGraph graph
                ? PipelineComputationGraph.builder(graph)
                : PipelineComputationGraph.builder((MultiLayerNetwork) model.model());
    }

    /** With which code layers are run. */
    public Kernels codeOfLayers() {
        return kernels.orElse(Kernels.FAST);
    }

    /** The plan that a pipeline has from now on, with what the user has asked for. */
    public HeldPlan hold(PipelineComputationGraph net) {
        return new HeldPlan(net.keepPlan(), net.profile(), codeOfLayers(), options());
    }

    /** What the user has asked for: options of the command line with their values. */
    public Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        split.devices()
                .filter(asked -> asked.get(0).kind() == Device.Kind.GPU)
                .ifPresent(gpus -> options.put("--gpus", String.valueOf(gpus.size())));
        split.stages().ifPresent(number -> options.put("--stages", String.valueOf(number)));
        split.replicas().ifPresent(number -> options.put("--replicas", String.valueOf(number)));
        split.microBatches().ifPresent(number -> options.put("--micro-batches", String.valueOf(number)));
        split.schedule().ifPresent(order -> options.put("--schedule", order.name()));
        kernels.ifPresent(code -> options.put("--kernels", HeldPlan.nameOf(code)));
        deadlineMillis.ifPresent(millis -> options.put("--deadline", String.valueOf(millis)));
        tiles.named().ifPresent(tiling -> options.put("--tiles", tiling.tiling().toString()));
        if (tiles.chosen()) {
            options.put("--tiles", "auto");
        }
        return options;
    }

    private void addTiles(PipelineBuilder builder, NamedModel model, int batch, Optional<PipelineListener> listener) {
        tiles.named().ifPresent(builder::tiling);
        if (tiles.chosen()) {
            GraphProfile profile = GraphProfiler.profile(
                    model.graph(),
                    RandomBatch.of(model.shape(), Math.min(batch, MOST_PROFILED), 1)
                            .toMultiDataSet(),
                    Devices.cpu(),
                    progress -> listener.ifPresent(told -> told.profiling(progress)));
            PlanOptions options = PlanOptions.defaults().withExamples(batch);
            builder.profile(profile)
                    .tiling(FusedTiling.of(
                            TilePlanner.plan(profile, Devices.cpu(), options).tiling()));
        }
    }
}
