package io.github.dl4jpipeline.internal.cluster;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arrays that are never read or written. They take addresses, but no memory, and do not count against the limit that JavaCPP has for
 * arrays.
 */
final class Untouched implements AutoCloseable {
    private final List<Pointer> blocks = new ArrayList<>();

    /** A vector, valid until {@link #close}. */
    INDArray vector(DataType type, long length) {
        long bytes = length * type.width();
        Pointer block = Pointer.malloc(bytes);
        if (block == null || block.isNull()) {
            throw new OutOfMemoryError("The system has no addresses for " + bytes + " bytes that are never used");
        }
        blocks.add(block);
        return Nd4j.create(Nd4j.createBuffer(block.capacity(bytes), length, type), length);
    }

    @Override
    public void close() {
        blocks.forEach(Pointer::free);
        blocks.clear();
    }
}
