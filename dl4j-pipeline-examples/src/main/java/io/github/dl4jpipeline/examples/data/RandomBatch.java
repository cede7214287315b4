package io.github.dl4jpipeline.examples.data;

import java.util.Random;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A batch for measuring time, where the content does not matter: noise from -1 to 1, with random classes. */
public final class RandomBatch {
    private RandomBatch() {}

    /** Features {@code [size, 3, 32, 32]}, labels {@code [size, 10]}. */
    public static DataSet of(int size, long seed) {
        Random random = new Random(seed);
        float[] pixels = new float[size * CifarFormat.IMAGE_BYTES];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = 2 * random.nextFloat() - 1;
        }
        float[] labels = new float[size * CifarFormat.CLASSES];
        for (int i = 0; i < size; i++) {
            labels[i * CifarFormat.CLASSES + random.nextInt(CifarFormat.CLASSES)] = 1;
        }
        return new DataSet(
                Nd4j.createFromArray(pixels)
                        .reshape('c', size, CifarFormat.CHANNELS, CifarFormat.SIZE, CifarFormat.SIZE),
                Nd4j.createFromArray(labels).reshape('c', size, CifarFormat.CLASSES));
    }
}
