package io.github.dl4jpipeline.kernel;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Views of some examples of an array. */
final class Rows {
    private Rows() {}

    /**
     * A view of rows {@code from} to before {@code to} of dimension 0. {@code INDArray.get} has an empty array as its result if
     * the array itself is a view of some other rows, as a batch of a large data set may be.
     */
    static INDArray of(INDArray array, long from, long to) {
        long[] shape = array.shape().clone();
        shape[0] = to - from;
        long offset = array.offset() + from * array.stride(0);
        return Nd4j.create(array.data(), shape, array.stride(), offset, array.ordering());
    }
}
