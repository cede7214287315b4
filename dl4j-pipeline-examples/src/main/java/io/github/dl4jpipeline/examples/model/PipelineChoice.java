package io.github.dl4jpipeline.examples.model;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.graph.UnsupportedGraphException;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.TilePlanner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.Schedule;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * What the user wants of the pipeline.
 *
 * @param devices where stages run; empty for the cores of this machine
 * @param stages number of stages; empty leaves it to the planner
 * @param replicas number of replicas of every stage; empty leaves it to the planner
 * @param microBatches number of micro-batches; empty leaves it to the planner
 * @param schedule the order in which stages run their tasks; empty leaves it to the planner
 * @param kernels with which code layers are run
 * @param deadlineMillis the longest that a step may take; empty for no limit
 * @param tiles which vertices are run in tiles
 * @param verify whether the first step is compared with plain Deeplearning4j's
 */
public record PipelineChoice(
        Optional<Devices> devices,
        OptionalInt stages,
        OptionalInt replicas,
        OptionalInt microBatches,
        Optional<Schedule> schedule,
        Kernels kernels,
        OptionalInt deadlineMillis,
        TileChoice tiles,
        boolean verify) {
    private static final int MOST_PROFILED = 16;

    /** The same on devices, or if empty on the cores of this machine. */
    public PipelineChoice on(Optional<Devices> other) {
        return new PipelineChoice(
                other, stages, replicas, microBatches, schedule, kernels, deadlineMillis, tiles, verify);
    }

    /** The same, with the first step compared or not. */
    public PipelineChoice verifying(boolean other) {
        return new PipelineChoice(
                devices, stages, replicas, microBatches, schedule, kernels, deadlineMillis, tiles, other);
    }

    /**
     * A pipeline around a model.
     *
     * @param batch examples of a batch
     * @throws InputException if the model cannot be trained in a pipeline, or has fewer vertices than stages
     */
    public PipelineComputationGraph build(NamedModel model, int batch) {
        PipelineBuilder builder = (model.model() instanceof ComputationGraph graph
                        ? PipelineComputationGraph.builder(graph)
                        : PipelineComputationGraph.builder((MultiLayerNetwork) model.model()))
                .kernels(kernels);
        schedule.ifPresent(builder::schedule);
        devices.ifPresent(builder::devices);
        stages.ifPresent(builder::stages);
        replicas.ifPresent(builder::replicas);
        microBatches.ifPresent(builder::microBatches);
        deadlineMillis.ifPresent(millis -> builder.deadline(Duration.ofMillis(millis)));
        if (verify) {
            builder.verifyFirstStep();
        }
        PipelineComputationGraph net;
        try {
            addTiles(builder, model, batch);
            net = builder.build();
        } catch (UnsupportedGraphException e) {
            throw new InputException(model.name() + ": " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new InputException("--tiles, " + model.name() + ": " + e.getMessage(), e);
        }
        long vertices = VertexGraph.of(net).vertices().stream()
                .filter(vertex -> !vertex.inputs().isEmpty())
                .count();
        if (stages.orElse(1) > vertices) {
            net.close();
            throw new InputException("--stages must be at most " + vertices + ", the number of vertices of "
                    + model.name() + ", got " + stages.getAsInt());
        }
        return net;
    }

    private void addTiles(PipelineBuilder builder, NamedModel model, int batch) {
        tiles.named().ifPresent(builder::tiling);
        if (tiles.chosen()) {
            GraphProfile profile = GraphProfiler.profile(
                    model.graph(), RandomBatch.of(model.shape(), Math.min(batch, MOST_PROFILED), 1));
            PlanOptions options = PlanOptions.defaults().withExamples(batch);
            builder.profile(profile)
                    .tiling(FusedTiling.of(
                            TilePlanner.plan(profile, Devices.cpu(), options).tiling()));
        }
    }
}
