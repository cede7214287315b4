package io.github.dl4jpipeline.kernel;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Views of some examples of an array. */
final class Rows {
    private Rows() {}

    /**
     * Some examples.
     *
     * @param from the first
     * @param to before which they end
     */
    record Range(long from, long to) {
        long size() {
            return to - from;
        }

        /** A view of these examples of an array; the array itself if there are no others. */
        INDArray of(INDArray array) {
            return size() == array.size(0) ? array : Rows.of(array, from, to);
        }
    }

    /** Cuts examples into parts of at most so many: as few as possible, of one size but for the last, which may be smaller. */
    static List<Range> parts(long examples, long most) {
        long count = (examples + most - 1) / most;
        long size = (examples + count - 1) / count;
        List<Range> parts = new ArrayList<>();
        for (long from = 0; from < examples; from += size) {
            parts.add(new Range(from, Math.min(from + size, examples)));
        }
        return parts;
    }

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
