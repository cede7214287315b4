package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.model.ModelNames;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model, of whatever kind, and with which batch. */
final class ModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            completionCandidates = ModelNames.All.class,
            description =
                    "One of ${COMPLETION-CANDIDATES}, or a model for images of 3x32x32 that Deeplearning4j has saved."
                            + " Default: ${DEFAULT-VALUE}.")
    private String model = "alexnet-cifar";

    @Mixin
    private final BatchOptions batchOptions = new BatchOptions();

    String model() {
        return model;
    }

    int batch() {
        return batchOptions.batch(model);
    }

    long seed() {
        return batchOptions.seed();
    }
}
