package io.github.dl4jpipeline.internal.inference;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.abstracts.DummyWorkspace;
import org.nd4j.linalg.factory.Nd4j;

/** Where the outputs of a graph lie. */
final class OutputWorkspace {
    private OutputWorkspace() {}

    /** Makes the workspace for outputs the current one. */
    static MemoryWorkspace open(@Nullable MemoryWorkspace target) {
        return target == null || target instanceof DummyWorkspace
                ? Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()
                : target.notifyScopeBorrowed();
    }
}
