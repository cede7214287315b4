package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.model.NamedModel;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model, and with which batch. */
final class ModelOptions {
    @Option(
            names = "--model",
            paramLabel = "NAME|FILE.zip",
            defaultValue = "alexnet-cifar",
            description = "One of alexnet-cifar, lenet, resnet-cifar, vgg16-cifar (for images of 3x32x32), resnet18,"
                    + " alexnet (3x224x224), resnet50 (3x96x96), yolo-416, yolo-608 (the first 16 layers of"
                    + " YOLOv2), lstm, transformer-encoder (sequences), char-rnn (text), mlp, autoencoder (rows of"
                    + " values), or a model for 3x32x32 that Deeplearning4j has saved. Default: ${DEFAULT-VALUE}.")
    private String model = "alexnet-cifar";

    @Option(
            names = "--batch",
            paramLabel = "N",
            description =
                    "Examples of a batch. Default: 64; 16 for resnet18, alexnet and resnet50, 4 for YOLOv2, 32 for mlp and char-rnn.")
    private @Nullable Integer batch;

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
        return Options.requirePositiveIfGiven("--batch", batch).orElseGet(() -> NamedModel.usualBatch(model));
    }

    long seed() {
        return seed;
    }
}
