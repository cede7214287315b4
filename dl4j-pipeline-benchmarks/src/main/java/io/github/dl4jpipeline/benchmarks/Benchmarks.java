package io.github.dl4jpipeline.benchmarks;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Entry point: one subcommand for each benchmark. */
@Command(
        name = "benchmarks",
        description = "Measurements of dl4j-pipeline.",
        mixinStandardHelpOptions = true,
        subcommands = {
            LayerComparison.class,
            GradientComparison.class,
            SteadyMemory.class,
            FrequentCollections.class,
            AccuracyComparison.class,
            BranchAccuracy.class,
            Prediction.class,
            Planning.class,
            ReportPictures.class,
            FirstStep.class,
            ReadmeTable.class,
            Overhead.class,
            Scaling.class,
            Small.class,
            Processes.class,
            Soak.class,
            TileComparison.class,
            TileSimulation.class,
            Kills.class
        })
public final class Benchmarks {
    private Benchmarks() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Benchmarks())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }
}
