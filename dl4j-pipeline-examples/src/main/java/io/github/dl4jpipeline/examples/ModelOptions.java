package io.github.dl4jpipeline.examples;

import picocli.CommandLine.Option;

/** Which model, and with which batch. */
final class ModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            description = "One of alexnet-cifar, lenet, resnet-cifar, vgg16-cifar, or a model that Deeplearning4j has"
                    + " saved. Default: ${DEFAULT-VALUE}.")
    private String model = "alexnet-cifar";

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "64",
            description = "Images of a batch. Default: ${DEFAULT-VALUE}.")
    private int batch = 64;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "42",
            description = "Seed of everything random. Default: ${DEFAULT-VALUE}.")
    private long seed = 42;

    String model() {
        return model;
    }

    int batch() {
        return Options.requirePositive("--batch", batch);
    }

    long seed() {
        return seed;
    }
}
