package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures what each vertex of a model costs. */
@Command(
        name = "profile",
        description = "Measures the vertices of a model, forward and backward, on one core, with random data.",
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class ProfileCommand implements Callable<Integer> {
    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    @Option(names = "--out", paramLabel = "FILE", description = "Write the profile there, as JSON.")
    private @Nullable Path out;

    @Option(names = "--json", paramLabel = "FILE", description = "The same: the figures are the profile.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (out != null) {
            OutputFile.probe("--out", out);
        }
        if (json != null) {
            OutputFile.probe("--json", json);
        }
        int batch = modelOptions.batch();
        NamedModel model = NamedModel.of(modelOptions.model(), modelOptions.seed());
        PrintWriter err = spec.commandLine().getErr();
        err.println("Profiling " + model.name() + " with " + batch + " examples");
        err.flush();
        GraphProfile profile = GraphProfiler.profile(
                model.graph(), RandomBatch.of(model.shape().ofOneStep(), batch, modelOptions.seed()));
        Stream.of(out, json).filter(Objects::nonNull).forEach(profile::save);
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.print(ProfileTable.of(profile));
        stdout.flush();
        return 0;
    }
}
