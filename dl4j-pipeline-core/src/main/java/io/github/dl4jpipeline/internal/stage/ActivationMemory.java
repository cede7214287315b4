package io.github.dl4jpipeline.internal.stage;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.ResetPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Memory of one stage and one micro-batch that lives from one task to a later one, on whatever threads they run. It
 * holds activations, from the forward task to the last task or longer, and the errors that other stages send in
 * between.
 *
 * <p>ND4J looks workspaces up by name in a map of the current thread; a task enters its memory there first. Between two
 * tasks the workspace stays open, so that its arrays remain valid, but is current on no thread.
 */
public final class ActivationMemory {
    static final WorkspaceConfiguration CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0)
            .overallocationLimit(0.05)
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .policyReset(ResetPolicy.BLOCK_LEFT)
            .policySpill(SpillPolicy.REALLOCATE)
            .policyAllocation(AllocationPolicy.OVERALLOCATE)
            .build();

    /** Names that this thread has entered in its visit; none outside of one. */
    private static final ThreadLocal<@Nullable Set<String>> ENTERED = new ThreadLocal<>();

    private final String name;
    private final boolean enabled;
    private @Nullable MemoryWorkspace workspace;

    /** @param enabled false to leave all arrays to the garbage collector, as {@code WorkspaceMode.NONE} asks */
    public ActivationMemory(String name, boolean enabled) {
        this.name = name;
        this.enabled = enabled;
    }

    String name() {
        return name;
    }

    /** Starts a new life: everything allocated before is gone. The memory becomes current on this thread. */
    public void open() {
        if (enabled) {
            workspace().notifyScopeEntered();
        }
    }

    /** Leaves the memory open, but current on no thread. */
    void suspend() {
        if (enabled) {
            Nd4j.getMemoryManager().setCurrentWorkspace(null);
        }
    }

    /** Lets this thread use the memory by name without making it current. */
    public void enter() {
        if (enabled) {
            workspace();
        }
    }

    /** Ends this life: the arrays become invalid. */
    public void close() {
        if (enabled) {
            MemoryWorkspace current = workspace();
            current.setPreviousWorkspace(null);
            current.close();
        }
    }

    /** Whether a life has begun and not ended. */
    boolean isOpen() {
        return workspace != null && workspace.isScopeActive();
    }

    /** A copy of an array that belongs to another task, kept here. Call it while no task uses this memory. */
    INDArray copyOf(INDArray array) {
        return copyOf(array, other -> other.dup(other.ordering()));
    }

    /** A copy of an array, kept here. Call it while no task uses this memory. */
    INDArray copyOf(INDArray array, UnaryOperator<INDArray> copier) {
        return inside(() -> copier.apply(array));
    }

    /** What a maker allocates is kept here. Call it while no task uses this memory. */
    <T extends @Nullable Object> T inside(Supplier<T> maker) {
        if (!enabled) {
            return maker.get();
        }
        MemoryWorkspace before = Nd4j.getMemoryManager().getCurrentWorkspace();
        Nd4j.getMemoryManager().setCurrentWorkspace(workspace);
        try {
            return maker.get();
        } finally {
            Nd4j.getMemoryManager().setCurrentWorkspace(before);
        }
    }

    /** Frees the memory, open or not; the next use allocates anew. */
    public void destroy() {
        if (workspace != null) {
            if (isOpen()) {
                // A thread that still knows it must not find it open.
                MemoryWorkspace before = Nd4j.getMemoryManager().getCurrentWorkspace();
                close();
                Nd4j.getMemoryManager().setCurrentWorkspace(before == workspace ? null : before);
            }
            workspace();
            Nd4j.getWorkspaceManager().destroyWorkspace(workspace); // this thread forgets it, too
            workspace = null;
        }
    }

    /** Bytes reserved. */
    public long bytes() {
        return workspace == null ? 0 : workspace.getCurrentSize();
    }

    /** Bytes of the arrays allocated since {@link #open}. */
    public long used() {
        return workspace == null ? 0 : workspace.getThisCycleAllocations();
    }

    /**
     * Work in a thread of the user. When it is closed, the thread's map has none of the memory that was entered in between: ND4J
     * would find it open there while another thread uses it, or free it with the thread's own.
     */
    public static final class Visit implements AutoCloseable {
        private final @Nullable Set<String> outer = ENTERED.get();
        private final Set<String> names = new HashSet<>();

        public Visit() {
            ENTERED.set(names);
        }

        @Override
        public void close() {
            ENTERED.set(outer);
            if (outer != null) {
                names.removeAll(outer);
            }
            names.forEach(name -> Nd4j.getWorkspaceManager().setWorkspaceForCurrentThread(Nothing.WORKSPACE, name));
        }
    }

    /** Stands under names in a thread's map, which ND4J cannot take out of it without freeing what is there. It is never opened. */
    private static final class Nothing {
        static final MemoryWorkspace WORKSPACE =
                Nd4j.getWorkspaceManager().createNewWorkspace(CONFIGURATION, "dl4j-pipeline-nothing");
    }

    private MemoryWorkspace workspace() {
        Set<String> entered = ENTERED.get();
        if (entered != null) {
            entered.add(name);
        }
        if (workspace == null) {
            workspace = Nd4j.getWorkspaceManager().createNewWorkspace(CONFIGURATION, name);
        } else {
            Nd4j.getWorkspaceManager().setWorkspaceForCurrentThread(workspace, name);
        }
        return workspace;
    }
}
