package io.github.dl4jpipeline.cli.model;

import java.util.Random;
import org.nd4j.common.util.ArrayUtil;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A batch for measuring time, where the content does not matter: noise from -1 to 1, with random classes. */
public final class RandomBatch {
    private RandomBatch() {}

    /** A batch for a model. */
    public static DataSet of(ModelShape shape, int size, long seed) {
        Random random = new Random(seed);
        float[] values = new float[Math.toIntExact(ArrayUtil.prodLong(shape.features(size)))];
        for (int i = 0; i < values.length; i++) {
            values[i] = 2 * random.nextFloat() - 1;
        }
        return new DataSet(
                Nd4j.createFromArray(values).reshape('c', shape.features(size)), classes(random, shape.labels(size)));
    }

    /** One class for each example and, where labels have a third dimension, each step. */
    private static INDArray classes(Random random, long[] shape) {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, shape);
        long steps = shape.length == 3 ? shape[2] : 1;
        INDArray table = labels.reshape('c', shape[0], shape[1], steps);
        for (int example = 0; example < shape[0]; example++) {
            for (int step = 0; step < steps; step++) {
                table.putScalar(example, random.nextInt((int) shape[1]), step, 1);
            }
        }
        return labels;
    }
}
