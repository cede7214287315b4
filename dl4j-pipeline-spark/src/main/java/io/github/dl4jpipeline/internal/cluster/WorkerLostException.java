package io.github.dl4jpipeline.internal.cluster;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Workers are lost, or the data on the way to them. Training can go on from the last checkpoint with others. */
public final class WorkerLostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Set<String> executors;

    /** @param executors those whose connection has ended or is silent */
    public WorkerLostException(String message, @Nullable Throwable cause, Set<String> executors) {
        super(message, cause);
        this.executors = Set.copyOf(executors);
    }

    /** The executors that have gone or hang, as Spark names them; empty if it is not known. */
    public Set<String> executors() {
        return executors;
    }
}
