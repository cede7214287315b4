package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.data.CifarFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;

/**
 * The images that a model takes, {@code [batch, channels, side, side]}, and the classes that it gives.
 *
 * @param channels of an image
 * @param side height and width of an image
 * @param classes number of classes
 */
public record ImageSize(int channels, int side, int classes) implements ModelShape {
    static final ImageSize CIFAR = new ImageSize(CifarFormat.CHANNELS, CifarFormat.SIZE, CifarFormat.CLASSES);
    static final ImageSize IMAGENET = new ImageSize(3, 224, 1000);

    /** As Deeplearning4j says it. */
    public InputType inputType() {
        return InputType.convolutional(side, side, channels);
    }

    @Override
    public long[] features(int batch) {
        return new long[] {batch, channels, side, side};
    }

    @Override
    public long[] labels(int batch) {
        return new long[] {batch, classes};
    }

    @Override
    public String toString() {
        return "images of " + channels + "x" + side + "x" + side;
    }
}
