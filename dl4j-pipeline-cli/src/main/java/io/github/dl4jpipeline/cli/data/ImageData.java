package io.github.dl4jpipeline.cli.data;

import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Images to train and test on.
 *
 * @param name where the images are from: {@code generated}, or the directory
 * @param train the images to train on, at least one
 * @param test the images to test on, at least one
 * @param description a sentence for people
 */
public record ImageData(String name, ImageSet train, ImageSet test, String description) implements TrainingData {

    @Override
    public String examples() {
        return "images";
    }

    @Override
    public int trainSize() {
        return train.size();
    }

    @Override
    public int testSize() {
        return test.size();
    }

    @Override
    public long trainChecksum() {
        return train.checksum();
    }

    @Override
    public int segments() {
        return 1;
    }

    @Override
    public ExampleBatches trainBatches(int batch, long seed) {
        return ImageBatches.shuffled(train, batch, seed);
    }

    @Override
    public DataSetIterator testBatches(int batch) {
        return ImageBatches.inOrder(test, batch);
    }
}
