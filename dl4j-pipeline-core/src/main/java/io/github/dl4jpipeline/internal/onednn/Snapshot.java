package io.github.dl4jpipeline.internal.onednn;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A copy of an array of floats that lie side by side, which tells whether they have changed. One thread at a time uses it. */
public final class Snapshot implements AutoCloseable {
    private @Nullable INDArray copy;

    /**
     * Takes the array's floats.
     *
     * @return whether any bit is another than when they were last taken; true at first
     */
    public boolean take(INDArray array) {
        long bytes = array.length() * Float.BYTES;
        INDArray known = copy;
        if (known == null || known.length() != array.length()) {
            close();
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                known = Nd4j.createUninitialized(DataType.FLOAT, array.length());
            }
            copy = known;
        } else if (Pointer.memcmp(address(known), address(array), bytes) == 0) {
            Reference.reachabilityFence(array);
            return false;
        }
        Pointer.memcpy(address(known), address(array), bytes);
        Reference.reachabilityFence(array);
        return true;
    }

    private static Address address(INDArray array) {
        return new Address().at(array.data().addressPointer().address());
    }

    /** Bytes of the copy. */
    public long bytes() {
        return copy == null ? 0 : copy.length() * Float.BYTES;
    }

    @Override
    public void close() {
        if (copy != null) {
            copy.close();
            copy = null;
        }
    }
}
