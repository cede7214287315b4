package io.github.dl4jpipeline.kernel;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Copies of vectors, a value for each channel or a few, to Java and back. Arithmetic on so few values takes Java less time
 * than the call of an operation.
 */
final class ChannelValues {
    private ChannelValues() {}

    /** The values of an array in its own order. */
    static double[] of(INDArray array) {
        if (!isPlain(array)) {
            return array.reshape(array.length()).toDoubleVector();
        }
        float[] floats = new float[(int) array.length()];
        try {
            new FloatPointer(array.data().addressPointer()).get(floats);
        } finally {
            Reference.reachabilityFence(array); // else its memory may be freed meanwhile
        }
        double[] values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }

    /** Writes values to an array of as many elements, and returns it. */
    static INDArray write(double[] values, INDArray array) {
        if (values.length != array.length()) {
            throw new IllegalArgumentException(values.length + " values for an array of " + array.length());
        }
        if (!isPlain(array)) {
            return array.assign(Nd4j.createFromArray(values).reshape(array.shape()));
        }
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        try {
            new FloatPointer(array.data().addressPointer()).put(floats);
        } finally {
            Reference.reachabilityFence(array);
        }
        return array;
    }

    /** Whether the elements are floats in the host's memory, one after another. */
    private static boolean isPlain(INDArray array) {
        return array.dataType() == DataType.FLOAT
                && (array.length() == 1 || array.elementWiseStride() == 1)
                && Nd4j.getEnvironment().isCPU();
    }
}
