package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.NamedModel;
import picocli.CommandLine.Option;

/** Which model, for images of any size. */
final class AnyModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            description =
                    "One of alexnet-cifar, lenet, resnet-cifar, vgg16-cifar (for images of 3x32x32), resnet18, alexnet"
                            + " (3x224x224), or a model for 3x32x32 that Deeplearning4j has saved. Default: ${DEFAULT-VALUE}.")
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
