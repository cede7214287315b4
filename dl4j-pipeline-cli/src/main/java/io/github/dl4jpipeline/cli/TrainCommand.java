package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.cli.model.HeldPlan;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import io.github.dl4jpipeline.cli.train.Checkpoints;
import io.github.dl4jpipeline.cli.train.ClusterTraining;
import io.github.dl4jpipeline.cli.train.PlainFit;
import io.github.dl4jpipeline.cli.train.RunIdentity;
import io.github.dl4jpipeline.cli.train.Training;
import io.github.dl4jpipeline.cli.train.TrainingResult;
import io.github.dl4jpipeline.cli.train.TrainingSettings;
import io.github.dl4jpipeline.cli.train.TrainingStart;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains a model on images or a text and saves it. Everything that can be wrong with the input is found before training. */
@Command(
        name = "train",
        description = "Trains a model in a pipeline and saves it as an ordinary Deeplearning4j model.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline train                      AlexNet on generated images",
            "  dl4j-pipeline train --stages 2           as a pipeline of two stages",
            "  dl4j-pipeline train --report run.html    with a page about the run",
            "  dl4j-pipeline train --download           AlexNet on CIFAR-10"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {
    @Mixin
    private final CifarModelOptions modelOptions = new CifarModelOptions();

    @Mixin
    private final DataOptions dataOptions = new DataOptions();

    @Mixin
    private final PipelineOptions pipelineOptions = new PipelineOptions();

    @Mixin
    private final GpuOptions gpuOptions = new GpuOptions();

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "2",
            description = "Epochs in all, those before a checkpoint included. Default: ${DEFAULT-VALUE}.")
    private int epochs = 2;

    @Option(
            names = "--checkpoint-dir",
            paramLabel = "DIR",
            description = "Save the model there after each epoch; the directory is created if need be.")
    private @Nullable Path checkpointDirectory;

    @Option(
            names = "--keep-checkpoints",
            paramLabel = "N",
            defaultValue = "3",
            description = "How many checkpoints stay; older ones are deleted. Default: ${DEFAULT-VALUE}.")
    private int keep = 3;

    @Option(
            names = "--resume",
            description =
                    "Go on from the latest whole checkpoint in --checkpoint-dir, with its plan unless other options"
                            + " are given: the result is then that of a run without interruption, bit for bit.")
    private boolean resume;

    @Option(
            names = "--plan",
            paramLabel = "FILE",
            description = "Train with the plan of this checkpoint, of any run of this model, instead of making one: the"
                    + " same seed, data and plan give the same model, bit for bit.")
    private @Nullable Path plan;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where the trained model goes. Default: <model>.zip in the current directory, or"
                    + " <model>-trained.zip for a model from a file.")
    private @Nullable Path out;

    @Option(
            names = "--verify",
            description =
                    "Compare the first step's gradient with plain Deeplearning4j's, array by array, and stop if they"
                            + " differ.")
    private boolean verify;

    @Option(
            names = "--no-comparison",
            description = "Leave out the steps of plain fit after training, which say how many times as fast it was.")
    private boolean noComparison;

    @Option(
            names = "--report",
            paramLabel = "FILE.html",
            arity = "0..1",
            fallbackValue = "",
            description =
                    "Print what was measured beside what the plan predicted, or with a file's name write it there as a"
                            + " page with pictures.")
    private @Nullable String report;

    @Option(
            names = "--trace",
            paramLabel = "FILE.json.gz",
            description = "Write the tasks of the last steps there, for Perfetto (ui.perfetto.dev) or chrome://tracing;"
                    + " compressed if the name ends in .gz.")
    private @Nullable Path trace;

    @Option(
            names = "--spark",
            paramLabel = "MASTER",
            description =
                    "Train on a Spark cluster, such as spark://host:7077; --stages, --replicas and --micro-batches say"
                            + " how. Spark's own settings are system properties: JAVA_OPTS=-Dspark.executor.memory=4g.")
    private @Nullable String spark;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        if (spark != null) {
            return trainOnSpark(spark, err);
        }
        TrainingSettings settings = settings();
        String name = NamedModel.nameOf(modelOptions.model());
        OutputFile modelFile = OutputFile.probe("--out", out == null ? defaultOut(name) : out);
        Optional<OutputFile> reportFile = Optional.ofNullable(report)
                .filter(path -> !path.isEmpty())
                .map(path -> OutputFile.probe("--report", Path.of(path)));
        Optional<OutputFile> traceFile = Optional.ofNullable(trace).map(path -> OutputFile.probe("--trace", path));
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));

        TrainingData data = data(settings.seed(), err);
        RunIdentity identity = identity(name, settings, data);
        TrainingStart start = start(identity, data, settings, err);
        TrainingResult result = new Training(start, data, settings, identity, err).run();

        NamedModel model = start.model();
        modelFile.write(draft -> ModelWriter.write(draft, model.model(), true, Map.of()));
        reportFile.ifPresent(file -> result.report().writeHtml(file.path()));
        traceFile.ifPresent(file -> result.report().writeTrace(file.path()));
        OptionalDouble plainMillis = plainMillis(model, data, settings, result, err);
        TrainSummary summary = new TrainSummary(data, result, plainMillis, modelFile.path());
        jsonFile.ifPresent(file -> Json.write(
                file, TrainFigures.of(model, data, settings, result, summary.timesPlainFit(), modelFile.path())));
        print(summary, result);
        reportFile.ifPresent(file -> say("Report written to " + file.path()));
        traceFile.ifPresent(file -> say("Trace written to " + file.path() + "; open it in ui.perfetto.dev"));
        if (report == null) {
            say("For tables of plan and times add --report, for a page with pictures --report FILE.html");
        }
        return 0;
    }

    private int trainOnSpark(String master, PrintWriter err) {
        ClusterTraining cluster = SparkRun.cluster(spec.commandLine().getParseResult());
        PipelineChoice.Split split = pipelineOptions.choice().split();
        ClusterTraining.Settings settings = new ClusterTraining.Settings(
                master,
                Options.requirePositive("--epochs", epochs),
                split.stages(),
                split.replicas(),
                split.microBatches());
        String name = NamedModel.nameOf(modelOptions.model());
        OutputFile modelFile = OutputFile.probe("--out", out == null ? defaultOut(name) : out);
        TrainingData data = data(modelOptions.seed(), err);
        NamedModel model = NamedModel.of(modelOptions.model(), data, modelOptions.seed());
        if (!(model.model() instanceof ComputationGraph)) {
            throw new InputException("--spark trains a ComputationGraph, and " + modelOptions.model()
                    + " is a MultiLayerNetwork; save its toComputationGraph()");
        }
        String result =
                new SparkRun(cluster, settings, err).run(model, data, modelOptions.batch(), modelOptions.seed());
        modelFile.write(draft -> ModelWriter.write(draft, model.model(), true, Map.of()));
        say(result + "Model saved to " + modelFile.path());
        return 0;
    }

    private TrainingData data(long seed, PrintWriter err) {
        TrainingData data = NamedModel.takesText(modelOptions.model())
                ? dataOptions.loadText(modelOptions.model(), seed)
                : dataOptions.load(seed, err);
        err.println("Data: " + data.description());
        return data;
    }

    /** Empty where plain {@code fit} is not to be measured, or there is nothing to compare it with. */
    private OptionalDouble plainMillis(
            NamedModel model, TrainingData data, TrainingSettings settings, TrainingResult result, PrintWriter err) {
        if (noComparison
                || result.images() == 0
                || settings.pipeline().split().devices().isPresent()) {
            return OptionalDouble.empty();
        }
        err.println("Measuring " + PlainFit.STEPS + " steps of plain fit (--no-comparison leaves them out)");
        err.flush();
        return OptionalDouble.of(PlainFit.stepMillis(model, data, settings.batch()));
    }

    private void say(String line) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.println(line);
        stdout.flush();
    }

    private TrainingSettings settings() {
        return new TrainingSettings(
                Options.requirePositive("--epochs", epochs),
                modelOptions.batch(),
                modelOptions.seed(),
                pipelineOptions.choice().on(gpuOptions.devices()).verifying(verify));
    }

    private Path defaultOut(String name) {
        return Path.of(name + (NamedModel.isFile(modelOptions.model()) ? "-trained.zip" : ".zip"));
    }

    private static RunIdentity identity(String name, TrainingSettings settings, TrainingData data) {
        return new RunIdentity(name, settings.seed(), settings.batch(), data.trainSize(), data.trainChecksum());
    }

    private TrainingStart start(RunIdentity identity, TrainingData data, TrainingSettings settings, PrintWriter err) {
        Options.requirePositive("--keep-checkpoints", keep);
        Optional<HeldPlan> given = Optional.ofNullable(plan).map(TrainingStart::planOf);
        given.flatMap(held -> reasonAgainst(held, settings)).ifPresent(reason -> {
            throw new InputException("--plan " + plan + " cannot be used: " + reason);
        });
        Optional<Path> directory = Optional.ofNullable(checkpointDirectory);
        if (!resume) {
            NamedModel model = NamedModel.of(modelOptions.model(), data, settings.seed());
            return TrainingStart.fresh(model, directory.map(path -> Checkpoints.create(path, keep)))
                    .with(given);
        }
        Path existing = directory.orElseThrow(() -> new InputException("--resume needs --checkpoint-dir"));
        TrainingStart start = TrainingStart.resumed(
                identity,
                NamedModel.shapeFor(data),
                settings.epochs(),
                Checkpoints.existing(existing, keep),
                warning -> err.println("warning: " + warning));
        err.println("Resuming after epoch " + start.epochsDone());
        if (start.epochsDone() == settings.epochs()) {
            return start;
        }
        if (given.isPresent()) {
            return start.with(given);
        }
        Optional<String> reason = start.plan().flatMap(held -> reasonAgainst(held, settings));
        reason.ifPresent(why -> err.println(
                "With a new plan, since " + why + ": the result is the same as without interruption up to rounding"));
        return reason.isPresent() ? start.with(Optional.empty()) : start;
    }

    private static Optional<String> reasonAgainst(HeldPlan held, TrainingSettings settings) {
        PipelineChoice choice = settings.pipeline();
        return held.reasonAgainst(choice.options(), choice.split().devices().orElseGet(Devices::cpu));
    }

    private void print(TrainSummary summary, TrainingResult result) {
        PrintWriter stdout = spec.commandLine().getOut();
        if ("".equals(report)) {
            stdout.print(result.plan().explain());
            stdout.print(result.report());
        }
        stdout.print(summary);
        stdout.flush();
    }
}
