package io.github.dl4jpipeline.cuda;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/** Tells which arrays can be copied as one piece of memory. */
final class Contiguous {
    private Contiguous() {}

    /** Whether the array's buffer holds its elements, in their order, and nothing else. */
    static boolean fillsItsBuffer(INDArray array) {
        return array.data().length() == array.length() && Shape.hasDefaultStridesForShape(array);
    }
}
