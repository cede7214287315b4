package io.github.dl4jpipeline.cli.data;

import static io.github.dl4jpipeline.cli.data.CifarFormat.CHANNELS;
import static io.github.dl4jpipeline.cli.data.CifarFormat.CLASSES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.IMAGE_BYTES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.SIZE;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Batches of images: features {@code [batch, 3, 32, 32]} from -1 to 1, labels {@code [batch, 10]} one-hot. The last batch
 * of an epoch has what is left.
 *
 * <p>The order of a shuffled epoch follows from seed and epoch alone, so that a run that is resumed sees the batches that
 * it would have seen.
 */
public final class ImageBatches implements DataSetIterator {
    private static final long serialVersionUID = 1;

    /** Any odd number keeps neighbouring seeds and epochs apart; this is 2^64 divided by the golden ratio. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final transient ImageSet images;
    private final transient OptionalLong seed;
    private final int batch;
    private int[] order;
    private int position;
    private transient @Nullable DataSetPreProcessor preProcessor;

    private ImageBatches(ImageSet images, int batch, OptionalLong seed) {
        this.images = images;
        this.batch = batch;
        this.seed = seed;
        this.order = IntStream.range(0, images.size()).toArray();
    }

    /** Every epoch in the order of the images. */
    public static ImageBatches inOrder(ImageSet images, int batch) {
        return new ImageBatches(images, batch, OptionalLong.empty());
    }

    /** Every epoch in an order of its own; it starts with epoch 0. */
    public static ImageBatches shuffled(ImageSet images, int batch, long seed) {
        ImageBatches batches = new ImageBatches(images, batch, OptionalLong.of(seed));
        batches.startEpoch(0);
        return batches;
    }

    /** Goes to the first batch of an epoch, counted from 0. */
    public void startEpoch(int epoch) {
        position = 0;
        if (seed.isPresent()) {
            order = shuffledOrder(images.size(), new SplittableRandom(seed.getAsLong() + SPREAD * epoch));
        }
    }

    /** Fisher and Yates. */
    private static int[] shuffledOrder(int size, SplittableRandom random) {
        int[] order = IntStream.range(0, size).toArray();
        for (int i = size - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
        return order;
    }

    /** The number of batches of an epoch. */
    public int batches() {
        return (images.size() + batch - 1) / batch;
    }

    @Override
    public boolean hasNext() {
        return position < images.size();
    }

    @Override
    public DataSet next() {
        return next(batch);
    }

    @Override
    public DataSet next(int count) {
        if (!hasNext()) {
            throw new NoSuchElementException("The epoch has ended after " + images.size() + " images");
        }
        int size = Math.min(count, images.size() - position);
        float[] pixels = new float[size * IMAGE_BYTES];
        float[] labels = new float[size * CLASSES];
        for (int i = 0; i < size; i++) {
            int image = order[position + i];
            images.copyPixels(image, pixels, i * IMAGE_BYTES);
            labels[i * CLASSES + images.label(image)] = 1;
        }
        position += size;
        DataSet data = new DataSet(
                Nd4j.createFromArray(pixels).reshape('c', size, CHANNELS, SIZE, SIZE),
                Nd4j.createFromArray(labels).reshape('c', size, CLASSES));
        if (preProcessor != null) {
            preProcessor.preProcess(data);
        }
        return data;
    }

    /** Goes back to the first batch of the same epoch. */
    @Override
    public void reset() {
        position = 0;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public int batch() {
        return batch;
    }

    @Override
    public int inputColumns() {
        return IMAGE_BYTES;
    }

    @Override
    public int totalOutcomes() {
        return CLASSES;
    }

    @Override
    public @Nullable List<String> getLabels() {
        return null;
    }

    @Override
    public void setPreProcessor(@Nullable DataSetPreProcessor value) {
        preProcessor = value;
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
