package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.io.InputException;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** The networks that the command line knows by name. */
enum ExampleModel {
    ALEXNET_CIFAR("alexnet-cifar"),
    LENET("lenet"),
    RESNET_CIFAR("resnet-cifar"),
    VGG16_CIFAR("vgg16-cifar"),
    RESNET18("resnet18", ImageSize.IMAGENET, 16),
    ALEXNET("alexnet", ImageSize.IMAGENET, 16),
    RESNET50("resnet50", ResNet50.SIZE, 16),
    YOLO_416("yolo-416", Yolo.SMALL, 4),
    YOLO_608("yolo-608", Yolo.LARGE, 4),
    LSTM("lstm", Lstm.SIZE, NamedModel.USUAL_BATCH),
    TRANSFORMER_ENCODER("transformer-encoder", TransformerEncoder.SIZE, NamedModel.USUAL_BATCH),
    MLP("mlp", Mlp.SIZE, Mlp.USUAL_BATCH),
    AUTOENCODER("autoencoder", Autoencoder.SIZE, NamedModel.USUAL_BATCH),
    CHAR_RNN("char-rnn", CharRnn.SIZE, CharRnn.USUAL_BATCH);

    private final String title;
    private final ModelShape shape;
    private final int usualBatch;

    ExampleModel(String title) {
        this(title, ImageSize.CIFAR, NamedModel.USUAL_BATCH);
    }

    ExampleModel(String title, ModelShape shape, int usualBatch) {
        this.title = title;
        this.shape = shape;
        this.usualBatch = usualBatch;
    }

    /** What the user calls it. */
    String title() {
        return title;
    }

    /** What it takes and gives. */
    ModelShape shape() {
        return shape;
    }

    /** How many examples a batch has unless the user says otherwise. */
    int usualBatch() {
        return usualBatch;
    }

    /**
     * The model with a name.
     *
     * @throws InputException if there is none
     */
    static ExampleModel named(String name) {
        return Arrays.stream(values())
                .filter(model -> model.title.equals(name))
                .findFirst()
                .orElseThrow(() -> new InputException("There is no model '" + name + "'; known are " + names()
                        + ", or a FILE.zip of Deeplearning4j"));
    }

    static String names() {
        return Arrays.stream(values()).map(model -> model.title).collect(Collectors.joining(", "));
    }

    /** A new network with random parameters. */
    ComputationGraph create(long seed) {
        return initialised(configuration(seed));
    }

    static ComputationGraph initialised(ComputationGraphConfiguration configuration) {
        ComputationGraph graph = new ComputationGraph(configuration);
        graph.init();
        return graph;
    }

    private ComputationGraphConfiguration configuration(long seed) {
        return switch (this) {
            case ALEXNET_CIFAR -> AlexNetCifar.configuration(seed);
            case LENET -> LeNet.configuration(seed);
            case RESNET_CIFAR -> ResNetCifar.configuration(seed);
            case VGG16_CIFAR -> Vgg16Cifar.configuration(seed);
            case RESNET18 -> ResNet18.configuration(seed);
            case ALEXNET -> AlexNet.configuration(seed);
            case RESNET50 -> ResNet50.configuration(seed);
            case YOLO_416, YOLO_608 -> Yolo.configuration(seed, (ImageSize) shape);
            case LSTM -> Lstm.configuration(seed);
            case TRANSFORMER_ENCODER -> TransformerEncoder.configuration(seed);
            case MLP -> Mlp.configuration(seed);
            case AUTOENCODER -> Autoencoder.configuration(seed);
            case CHAR_RNN -> CharRnn.configuration(seed, CharRnn.SIZE.width());
        };
    }
}
