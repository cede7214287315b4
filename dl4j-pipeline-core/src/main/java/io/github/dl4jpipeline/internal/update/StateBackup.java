package io.github.dl4jpipeline.internal.update;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The updater state before an update, which comes back if the update fails. No order of the work would do without it:
 * an updater changes gradients and state in one operation, and code of users runs after it and between blocks of
 * parameters.
 *
 * <p>Used by one thread at a time. The copy is allocated by the first thread that keeps the state, on that thread's device.
 */
public final class StateBackup {
    private final List<INDArray> state;
    private @Nullable List<INDArray> before;
    private boolean kept;

    /** @param state what an update changes; may be empty */
    public StateBackup(List<INDArray> state) {
        this.state = state;
    }

    /** Keeps the state as it is now. */
    public void keep() {
        if (before == null) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                before = state.stream()
                        .map(array -> Nd4j.createUninitialized(array.dataType(), array.shape(), array.ordering()))
                        .toList();
            }
        }
        copy(state, before);
        kept = true;
    }

    /** Makes the state what was kept, unless the update has been committed. */
    public void takeBack() {
        if (kept && before != null) {
            kept = false;
            copy(before, state);
        }
    }

    /** The update stays. */
    public void commit() {
        kept = false;
    }

    private static void copy(List<INDArray> from, List<INDArray> to) {
        for (int i = 0; i < from.size(); i++) {
            to.get(i).assign(from.get(i));
        }
    }

    /** Frees the copy. */
    public void close() {
        if (before != null) {
            before.forEach(INDArray::close);
            before = null;
        }
        kept = false;
    }
}
