package io.github.dl4jpipeline.examples;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.ViewIterator;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/** Images of ten classes for the examples, {@code [images, 3, height, width]}. Your own program has its own data here. */
final class Images {
    private static final int CLASSES = 10;
    private static final int CIFAR_SIZE = 32;

    private Images() {}

    /** Noise in which the place of a bright square is the class; the same for the same seed. */
    static DataSetIterator generated(int images, int size, int batch, long seed) {
        Nd4j.getRandom().setSeed(seed);
        INDArray features = Nd4j.randn(images, 3, size, size).muli(0.5);
        INDArray labels = Nd4j.zeros(images, CLASSES);
        int side = size / 4;
        for (int image = 0; image < images; image++) {
            int label = image % CLASSES;
            int top = label / 4 * side;
            int left = label % 4 * side;
            for (int row = top; row < top + side; row++) {
                for (int column = left; column < left + side; column++) {
                    features.putScalar(new int[] {image, 0, row, column}, 1);
                }
            }
            labels.putScalar(image, label, 1);
        }
        return new ViewIterator(new DataSet(features, labels), batch);
    }

    /**
     * Images from files in CIFAR-10's binary format: a byte for the class, then 32x32 bytes of red, of green and of blue.
     *
     * @param files a name, or a pattern such as {@code data_batch_*.bin}
     */
    static DataSetIterator cifar10(Path directory, String files, int batch) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, files)) {
            for (Path file : found) {
                all.write(Files.readAllBytes(file));
            }
        }
        if (all.size() == 0) {
            throw new FileNotFoundException("There is no " + files + " in " + directory);
        }
        byte[] bytes = all.toByteArray();
        int pixels = 3 * CIFAR_SIZE * CIFAR_SIZE;
        int images = bytes.length / (1 + pixels);
        float[] features = new float[images * pixels];
        INDArray labels = Nd4j.zeros(images, CLASSES);
        for (int image = 0; image < images; image++) {
            int start = image * (1 + pixels);
            labels.putScalar(image, bytes[start], 1);
            for (int pixel = 0; pixel < pixels; pixel++) {
                features[image * pixels + pixel] = (bytes[start + 1 + pixel] & 0xff) / 127.5f - 1;
            }
        }
        INDArray shaped = Nd4j.create(features, new int[] {images, 3, CIFAR_SIZE, CIFAR_SIZE});
        return new ViewIterator(new DataSet(shaped, labels), batch);
    }
}
