package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.model.ModelNames;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model for images of 3x32x32, and with which batch. */
final class CifarModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            completionCandidates = ModelNames.Cifar.class,
            description = "One of ${COMPLETION-CANDIDATES}, or another model for images of 3x32x32 and 10 classes that"
                    + " Deeplearning4j has saved. Default: ${DEFAULT-VALUE}.")
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
