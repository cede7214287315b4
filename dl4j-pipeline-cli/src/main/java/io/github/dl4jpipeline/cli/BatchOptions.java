package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.model.NamedModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a model is given. */
final class BatchOptions {
    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Examples of a batch. Default: that of the model, mostly 64; less for large images.")
    private @Nullable Integer batch;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of everything random. Default: ${DEFAULT-VALUE}.")
    private long seed = 42;

    int batch(String model) {
        return Options.requirePositiveIfGiven("--batch", batch).orElseGet(() -> NamedModel.usualBatch(model));
    }

    long seed() {
        return seed;
    }
}
