package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.examples.data.ImageData;
import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.examples.io.Json;
import io.github.dl4jpipeline.examples.io.OutputFile;
import io.github.dl4jpipeline.examples.model.NamedModel;
import io.github.dl4jpipeline.examples.train.RunIdentity;
import io.github.dl4jpipeline.examples.train.Training;
import io.github.dl4jpipeline.examples.train.TrainingResult;
import io.github.dl4jpipeline.examples.train.TrainingSettings;
import io.github.dl4jpipeline.examples.train.TrainingStart;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.deeplearning4j.util.ModelSerializer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains a model on images and saves it. Everything that can be wrong with the input is found before training. */
@Command(
        name = "train",
        description = "Trains a model in a pipeline and saves it as an ordinary Deeplearning4j model.",
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {
    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

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

    @Option(names = "--resume", description = "Go on from the latest checkpoint in --checkpoint-dir.")
    private boolean resume;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where the trained model goes. Default: <model>.zip in the current directory, or"
                    + " <model>-trained.zip for a model from a file.")
    private @Nullable Path out;

    @Option(
            names = "--verify",
            description = "Compare the first step's gradient with plain Deeplearning4j's, array by array, and stop if they"
                    + " differ.")
    private boolean verify;

    @Option(names = "--report", description = "Print what was measured beside what the plan predicted.")
    private boolean report;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        TrainingSettings settings = settings();
        String name = NamedModel.nameOf(modelOptions.model());
        OutputFile modelFile = OutputFile.probe("--out", out == null ? defaultOut(name) : out);
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));

        ImageData data = dataOptions.load(settings.seed(), err);
        err.println("Data: " + data.description());
        RunIdentity identity = identity(name, settings, data);
        TrainingStart start = start(identity, settings, err);
        TrainingResult result = new Training(start, data, settings, identity, err).run();

        NamedModel model = start.model();
        modelFile.write(draft -> ModelSerializer.writeModel(model.model(), draft.toFile(), true));
        jsonFile.ifPresent(file -> Json.write(file, TrainFigures.of(model, data, settings, result, modelFile.path())));
        print(data, result, modelFile.path());
        return 0;
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

    private static RunIdentity identity(String name, TrainingSettings settings, ImageData data) {
        return new RunIdentity(
                name,
                settings.seed(),
                settings.batch(),
                data.train().size(),
                data.train().checksum());
    }

    private TrainingStart start(RunIdentity identity, TrainingSettings settings, PrintWriter err) {
        Optional<Path> directory = Optional.ofNullable(checkpointDirectory);
        if (!resume) {
            return TrainingStart.fresh(NamedModel.ofCifar(modelOptions.model(), settings.seed()), directory);
        }
        TrainingStart start = TrainingStart.resumed(
                identity,
                settings.epochs(),
                directory.orElseThrow(() -> new InputException("--resume needs --checkpoint-dir")));
        err.println("Resuming after epoch " + start.epochsDone());
        return start;
    }

    private void print(ImageData data, TrainingResult result, Path file) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.printf(
                Locale.ROOT,
                "Accuracy %.4f on %d test images (%s), training loss %.4f%n",
                result.accuracy(),
                data.test().size(),
                data.name(),
                result.loss());
        stdout.printf(
                Locale.ROOT,
                "Trained %d images in %.1f s, %.1f images/s%n",
                result.images(),
                result.seconds(),
                result.imagesPerSecond());
        result.report().verification().ifPresent(found -> stdout.println("First step " + found));
        stdout.print(result.plan().explain());
        if (report) {
            stdout.print(result.report());
        }
        stdout.println("Model saved to " + file);
        stdout.flush();
    }
}
