package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.branch.BranchLayout;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.infer.ImageInference;
import io.github.dl4jpipeline.cli.infer.InferenceFigures;
import io.github.dl4jpipeline.cli.infer.LatencyComparison;
import io.github.dl4jpipeline.cli.infer.LatencyFigures;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.cli.model.ModelFile;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.graph.Kernels;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a model forward: on test images, or to compare it with its branches. */
@Command(
        name = "infer",
        description =
                "Runs a model on the test images, a branched one with its branches in parallel. Or, with --latency,"
                        + " measures a model and its branches in turn, with random images.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline infer --model alexnet-cifar.zip    what `train` has saved",
            "  dl4j-pipeline infer --latency --model resnet18 --branches 2"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class InferCommand implements Callable<Integer> {
    @Mixin
    private final AnyModelOptions modelOptions = new AnyModelOptions();

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "1",
            description = "Images of a batch. Default: ${DEFAULT-VALUE}.")
    private int batch = 1;

    @Option(
            names = "--kernels",
            paramLabel = "fast|precise|stock",
            defaultValue = "fast",
            description =
                    "Code of layers: the pipeline's faster one, the same without Winograd's algorithm, or Deeplearning4j's"
                            + " own. Default: ${DEFAULT-VALUE}.")
    private Kernels kernels = Kernels.FAST;

    @Mixin
    private final DataOptions dataOptions = new DataOptions();

    @Option(names = "--latency", description = "Compare the model with its branches.")
    private boolean latency;

    @Option(
            names = "--split",
            paramLabel = "FILE.zip",
            description =
                    "With --latency: the branched model. Default: the model is split as the following options say.")
    private @Nullable Path splitFile;

    @Mixin
    private final BranchOptions branchOptions = new BranchOptions();

    @Option(
            names = "--runs",
            paramLabel = "N",
            defaultValue = "20",
            description = "With --latency: measured runs of each. Default: ${DEFAULT-VALUE}.")
    private int runs = 20;

    @Option(
            names = "--by-vertex",
            description = "With --latency: also the shortest time of each vertex, in the original and in branch 0.")
    private boolean byVertex;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Options.requirePositive("--batch", batch);
        Options.requirePositive("--runs", runs);
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));
        NamedModel model = modelOptions.load();
        return latency ? compare(model, jsonFile) : classify(model, jsonFile);
    }

    private int compare(NamedModel model, Optional<OutputFile> jsonFile) {
        ComputationGraph branched = splitFile == null ? split(model) : read(splitFile, model);
        LatencyFigures figures = new LatencyComparison(model, branched, kernels, batch, modelOptions.seed())
                .run(runs, byVertex, spec.commandLine().getErr());
        jsonFile.ifPresent(file -> Json.write(file, figures));
        print(LatencyTable.of(figures));
        if (byVertex) {
            print(LatencyTable.ofVertices(figures));
        }
        return 0;
    }

    private int classify(NamedModel model, Optional<OutputFile> jsonFile) {
        PrintWriter err = spec.commandLine().getErr();
        model.requireCifar();
        ImageData data = dataOptions.load(modelOptions.seed(), err);
        err.println("Data: " + data.description());
        InferenceFigures figures = ImageInference.run(model, data, batch, kernels, err);
        jsonFile.ifPresent(file -> Json.write(file, figures));
        print(String.format(
                Locale.ROOT,
                "Accuracy %.4f on %d test images (%s), %.2f ms for a batch of %d%n",
                figures.accuracy(),
                figures.images(),
                figures.data(),
                figures.medianMillis(),
                batch));
        return 0;
    }

    private void print(String text) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.print(text);
        stdout.flush();
    }

    private ComputationGraph split(NamedModel model) {
        ComputationGraph branched = new ComputationGraph(branchOptions.split(model));
        branched.init();
        return branched;
    }

    private static ComputationGraph read(Path file, NamedModel model) {
        if (!(ModelFile.read(file) instanceof ComputationGraph branched)) {
            throw new InputException("--split " + file + " is no ComputationGraph; `split` writes such files");
        }
        ModelFile.requireFor(model.images(), file, branched);
        INDArray image = Nd4j.zeros(DataType.FLOAT, model.images().features(1));
        try {
            BranchLayout.of(branched.getConfiguration());
            long[] shape = branched.outputSingle(image).shape();
            if (shape[1] != model.images().classes()) {
                throw new IllegalArgumentException("it gives " + Arrays.toString(shape));
            }
        } catch (RuntimeException e) {
            throw new InputException(
                    "--split " + file + " is no branched network for " + model.images() + " and "
                            + model.images().classes() + " classes: " + e.getMessage(),
                    e);
        }
        return branched;
    }
}
