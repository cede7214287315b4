package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.branch.BranchCost;
import io.github.dl4jpipeline.cli.SplitFigures.Part;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Splits a model into branches and saves the result, untrained. */
@Command(
        name = "split",
        description =
                "Splits a model into narrow branches that exchange only the input and the last activations, for one"
                        + " device each. The result is an untrained model; train it with `train --model`.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline split --model resnet18 --branches 2",
            "  dl4j-pipeline split --model alexnet --memory 20000000 --classifier split"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class SplitCommand implements Callable<Integer> {
    @Mixin
    private final AnyModelOptions modelOptions = new AnyModelOptions();

    @Mixin
    private final BranchOptions branchOptions = new BranchOptions();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where the branched model goes. Default: <model>-<N>-branches.zip in the current directory.")
    private @Nullable Path out;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));
        NamedModel original = modelOptions.load();
        ComputationGraphConfiguration split = branchOptions.split(original);
        InputType input = original.images().inputType();
        List<BranchCost> costs = BranchCost.ofParts(split, input);
        int branches = costs.size() - 1;
        Path path = out == null ? Path.of(original.name() + "-" + branches + "-branches.zip") : out;
        OutputFile modelFile = OutputFile.probe("--out", path);

        SplitFigures figures = new SplitFigures(
                original.name(),
                branches,
                branchOptions.classifier(),
                branchOptions.fattening(),
                BranchCost.of(split, input).parameters(),
                costs.stream().mapToLong(BranchCost::memoryBytes).max().orElseThrow(),
                Part.of("original", BranchCost.of(original.graph().getConfiguration(), input)),
                SplitFigures.parts(costs),
                path.toString());
        ComputationGraph graph = new ComputationGraph(split);
        graph.init();
        modelFile.write(draft -> ModelWriter.write(draft, graph, false, Map.of()));
        jsonFile.ifPresent(file -> Json.write(file, figures));
        print(figures);
        return 0;
    }

    private void print(SplitFigures figures) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.printf(
                Locale.ROOT,
                "%s: %,d parameters, in %d branches %,d%n",
                figures.model(),
                figures.original().parameters(),
                figures.branches(),
                figures.parameters());
        stdout.print(SplitTable.of(figures));
        stdout.println("Untrained model saved to " + figures.out());
        stdout.flush();
    }
}
