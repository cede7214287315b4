package io.github.dl4jpipeline.internal.engine;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Whether arrays have only finite elements: a sum has NaN or an infinity where one element has. */
final class Finite {
    private Finite() {}

    /** Finite elements whose sum is beyond the largest float count as infinite. */
    static boolean is(INDArray array) {
        boolean dense = array.dataType() == DataType.FLOAT && array.elementWiseStride() == 1;
        return Double.isFinite(
                dense
                        ? Nd4j.getBlasWrapper().level1().asum(array)
                        : array.sumNumber().doubleValue());
    }
}
