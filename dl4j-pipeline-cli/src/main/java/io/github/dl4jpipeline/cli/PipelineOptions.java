package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.model.PipelineChoice;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of the pipeline. */
final class PipelineOptions {
    @Option(names = "--stages", paramLabel = "N", description = "Number of stages. Default: the planner chooses.")
    private @Nullable Integer stages;

    @Option(
            names = "--replicas",
            paramLabel = "N",
            description =
                    "Number of replicas of every stage, which share its micro-batches. Default: the planner chooses.")
    private @Nullable Integer replicas;

    @Option(
            names = "--micro-batches",
            paramLabel = "N",
            description = "Number of micro-batches of a batch. Default: the planner chooses.")
    private @Nullable Integer microBatches;

    @Option(
            names = "--deadline",
            paramLabel = "MS",
            description = "The longest that a training step's forward and backward passes may take, in milliseconds.")
    private @Nullable Integer deadline;

    @Mixin
    private final ScheduleOption schedule = new ScheduleOption();

    @Option(
            names = "--kernels",
            paramLabel = "fast|precise|stock",
            description =
                    "Code of layers: the pipeline's faster one, the same without Winograd's algorithm, or Deeplearning4j's"
                            + " own. Default: fast.")
    private @Nullable Kernels kernels;

    @Mixin
    private final TileOptions tiles = new TileOptions();

    /** What the options say. */
    PipelineChoice choice() {
        return new PipelineChoice(
                new PipelineChoice.Split(
                        Optional.empty(),
                        Options.requirePositiveIfGiven("--stages", stages),
                        Options.requirePositiveIfGiven("--replicas", replicas),
                        Options.requirePositiveIfGiven("--micro-batches", microBatches),
                        schedule.choice()),
                Optional.ofNullable(kernels),
                Options.requirePositiveIfGiven("--deadline", deadline),
                tiles.choice(),
                false);
    }
}
