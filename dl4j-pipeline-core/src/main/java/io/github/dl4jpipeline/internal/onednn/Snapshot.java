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
        try {
            INDArray known = copy;
            boolean fits = known != null && known.length() == array.length();
            if (fits && Pointer.memcmp(address(known), address(array), bytes()) == 0) {
                return false;
            }
            if (!fits) {
                known = reserve(array.length());
            }
            Pointer.memcpy(address(known), address(array), bytes());
            return true;
        } finally { // else its memory may be freed meanwhile
            Reference.reachabilityFence(array);
        }
    }

    private INDArray reserve(long floats) {
        close();
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            copy = Nd4j.createUninitialized(DataType.FLOAT, floats);
        }
        return copy;
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
