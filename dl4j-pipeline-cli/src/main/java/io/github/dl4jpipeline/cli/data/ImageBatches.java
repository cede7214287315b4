package io.github.dl4jpipeline.cli.data;

import static io.github.dl4jpipeline.cli.data.CifarFormat.CHANNELS;
import static io.github.dl4jpipeline.cli.data.CifarFormat.CLASSES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.IMAGE_BYTES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.SIZE;

import java.util.OptionalLong;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Batches of images: features {@code [batch, 3, 32, 32]} from -1 to 1, labels {@code [batch, 10]} one-hot. */
public final class ImageBatches extends ExampleBatches {
    private static final long serialVersionUID = 1;

    private final transient ImageSet images;

    private ImageBatches(ImageSet images, int batch, OptionalLong seed) {
        super(images.size(), batch, seed);
        this.images = images;
    }

    /** Every epoch in the order of the images. */
    public static ImageBatches inOrder(ImageSet images, int batch) {
        return new ImageBatches(images, batch, OptionalLong.empty());
    }

    /** Every epoch in an order of its own; it starts with epoch 0. */
    public static ImageBatches shuffled(ImageSet images, int batch, long seed) {
        return new ImageBatches(images, batch, OptionalLong.of(seed));
    }

    @Override
    DataSet batchOf(int[] chosen) {
        int size = chosen.length;
        float[] pixels = new float[size * IMAGE_BYTES];
        float[] labels = new float[size * CLASSES];
        for (int i = 0; i < size; i++) {
            images.copyPixels(chosen[i], pixels, i * IMAGE_BYTES);
            labels[i * CLASSES + images.label(chosen[i])] = 1;
        }
        return new DataSet(
                Nd4j.createFromArray(pixels).reshape('c', size, CHANNELS, SIZE, SIZE),
                Nd4j.createFromArray(labels).reshape('c', size, CLASSES));
    }

    @Override
    public int inputColumns() {
        return IMAGE_BYTES;
    }

    @Override
    public int totalOutcomes() {
        return CLASSES;
    }
}
