package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.compare.CompareFigures;
import io.github.dl4jpipeline.cli.compare.Comparison;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures the pipeline beside what Deeplearning4j has. */
@Command(
        name = "compare",
        description = "Measures a training step of Deeplearning4j's fit, of its ParallelWrapper and of the pipeline, in"
                + " turn, with random data.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline compare --model lenet        beside all of Deeplearning4j's",
            "  dl4j-pipeline compare --beside stock-fit   beside plain fit alone",
            "  dl4j-pipeline compare --model lenet --inference"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class CompareCommand implements Callable<Integer> {
    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    @Mixin
    private final PipelineOptions pipelineOptions = new PipelineOptions();

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "10",
            description = "Measured steps of each system. Default: ${DEFAULT-VALUE}.")
    private int steps = 10;

    @Option(
            names = "--inference",
            description = "Measure output, of the pipeline and of Deeplearning4j, instead of a training step.")
    private boolean inference;

    @Option(
            names = "--beside",
            paramLabel = "NAME",
            split = ",",
            description = "Measure only these systems beside the pipeline in training, of one-core, one-stage,"
                    + " parallel-wrapper, stock-fit and stock-fit-helpers. Default: all.")
    private Set<String> beside = Comparison.SYSTEMS;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Options.requirePositive("--steps", steps);
        requireSystems();
        PipelineChoice choice = pipelineOptions.choice();
        int batch = modelOptions.batch();
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));
        NamedModel model = NamedModel.of(modelOptions.model(), modelOptions.seed());
        CompareFigures figures = Comparison.run(
                model,
                choice,
                batch,
                beside,
                steps,
                inference,
                modelOptions.seed(),
                spec.commandLine().getErr());
        jsonFile.ifPresent(file -> Json.write(file, figures));
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.print(CompareTable.of(figures));
        stdout.flush();
        return 0;
    }

    private void requireSystems() {
        if (inference && !beside.equals(Comparison.SYSTEMS)) {
            throw new InputException("--beside is for training; leave it out with --inference");
        }
        for (String name : beside) {
            if (!Comparison.SYSTEMS.contains(name)) {
                throw new InputException("--beside: there is no system '" + name + "'; there are "
                        + String.join(", ", Comparison.SYSTEMS));
            }
        }
    }
}
