package io.github.dl4jpipeline.internal.layers;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arrays of floats in the host's memory, one after another in row-major order, as buffers of Java. A buffer does not keep
 * its array from being freed.
 */
public final class HostFloats {
    /** A buffer has at most so many. */
    private static final int MOST = Integer.MAX_VALUE / Float.BYTES;

    private HostFloats() {}

    /** Whether all of these are such arrays. */
    static boolean are(INDArray... arrays) {
        for (INDArray array : arrays) {
            if (array.ordering() != 'c' || !inAnyOrder(array)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the elements are one after another in the host's memory, in whatever order. */
    static boolean inAnyOrder(INDArray array) {
        return array.dataType() == DataType.FLOAT
                && !array.isEmpty()
                && array.length() <= MOST
                && (array.length() == 1 || array.elementWiseStride() == 1)
                && Nd4j.getEnvironment().isCPU();
    }

    public static FloatBuffer of(INDArray array) {
        FloatPointer first = new FloatPointer(array.data().addressPointer());
        return first.limit(first.position() + array.length()).asBuffer();
    }

    /** The bits of the floats. */
    static IntBuffer bits(INDArray array) {
        IntPointer first = new IntPointer(array.data().addressPointer());
        return first.limit(first.position() + array.length()).asBuffer();
    }

    /** The bytes of the floats. */
    public static ByteBuffer bytes(INDArray array) {
        BytePointer first = new BytePointer(array.data().addressPointer());
        return first.limit(first.position() + array.length() * Float.BYTES).asBuffer();
    }
}
