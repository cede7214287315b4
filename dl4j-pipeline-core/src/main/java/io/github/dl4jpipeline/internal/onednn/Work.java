package io.github.dl4jpipeline.internal.onednn;

import java.lang.ref.Reference;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Working memory of several primitives that run one after another.
 *
 * @param scratch where that begins which a primitive asks for
 */
record Work(INDArray floats, long scratch) {
    /** How much of that is needed. */
    static long scratchFloats(List<Primitive> primitives) {
        return primitives.stream().mapToLong(Primitive::scratchFloats).max().orElse(0);
    }

    void run(Primitive primitive) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, floats, scratch);
        }
        primitive.run();
    }

    void zero(long first, long count) {
        long address = floats.data().addressPointer().address() + first * Float.BYTES;
        try {
            Pointer.memset(new Address().at(address), 0, count * Float.BYTES);
        } finally {
            Reference.reachabilityFence(floats);
        }
    }
}
