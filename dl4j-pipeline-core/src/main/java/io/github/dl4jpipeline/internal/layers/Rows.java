package io.github.dl4jpipeline.internal.layers;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Views of a part of an array along a dimension, such as of some examples. */
public final class Rows {
    private Rows() {}

    /**
     * Some examples, or channels.
     *
     * @param from the first
     * @param to before which they end
     */
    public record Range(long from, long to) {
        long size() {
            return to - from;
        }

        /** A view of these examples of an array; the array itself if there are no others. */
        INDArray of(INDArray array) {
            return of(array, 0);
        }

        /** The same for what an array has along another dimension. */
        INDArray of(INDArray array, int dimension) {
            return size() == array.size(dimension) ? array : Rows.of(array, dimension, from, to);
        }
    }

    /** A view of rows {@code from} to before {@code to} of dimension 0. */
    public static INDArray of(INDArray array, long from, long to) {
        return of(array, 0, from, to);
    }

    /**
     * A view of a dimension, {@code from} included, {@code to} excluded. {@code INDArray.get} would give an empty
     * array if the array itself is a view of some rows, as a batch of a large data set may be.
     */
    private static INDArray of(INDArray array, int dimension, long from, long to) {
        long[] shape = array.shape().clone();
        shape[dimension] = to - from;
        long offset = array.offset() + from * array.stride(dimension);
        return Nd4j.create(array.data(), shape, array.stride(), offset, array.ordering());
    }
}
