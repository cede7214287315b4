package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.ModelNames;
import io.github.dl4jpipeline.cli.model.NamedModel;
import picocli.CommandLine.Option;

/** Which model, for images of any size. */
final class AnyModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            completionCandidates = ModelNames.Images.class,
            description =
                    "One of ${COMPLETION-CANDIDATES}, or a model for images of 3x32x32 that Deeplearning4j has saved."
                            + " Default: ${DEFAULT-VALUE}.")
    private String model = "alexnet-cifar";

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of everything random. Default: ${DEFAULT-VALUE}.")
    private long seed = 42;

    /**
     * The model.
     *
     * @throws InputException if there is no such model
     */
    NamedModel load() {
        return NamedModel.of(model, seed);
    }

    long seed() {
        return seed;
    }
}
