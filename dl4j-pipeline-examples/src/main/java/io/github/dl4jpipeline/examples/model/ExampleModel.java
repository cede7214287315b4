package io.github.dl4jpipeline.examples.model;

import io.github.dl4jpipeline.examples.io.InputException;
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
    RESNET18("resnet18", ImageSize.IMAGENET),
    ALEXNET("alexnet", ImageSize.IMAGENET);

    private final String title;
    private final ImageSize size;

    ExampleModel(String title) {
        this(title, ImageSize.CIFAR);
    }

    ExampleModel(String title, ImageSize size) {
        this.title = title;
        this.size = size;
    }

    /** The images that it takes, and the classes that it gives. */
    ImageSize size() {
        return size;
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
        ComputationGraph graph = new ComputationGraph(configuration(seed));
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
        };
    }
}
