package io.github.dl4jpipeline.cuda;

import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/** Tells which arrays can be copied as one piece of memory. */
final class Contiguous {
    private Contiguous() {}

    /** Whether the elements lie one after the other, in the order of the array. */
    static boolean isContiguous(INDArray array) {
        return Shape.hasDefaultStridesForShape(array);
    }

    /** The elements of a contiguous array and nothing else; the array's own buffer may go on after them. */
    static DataBuffer elements(INDArray array) {
        DataBuffer buffer = array.data();
        return buffer.length() == array.length() ? buffer : Nd4j.createBuffer(buffer, 0, array.length());
    }
}
