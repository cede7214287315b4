package io.github.dl4jpipeline.internal.device;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs tasks one after the other: in a {@linkplain DeviceThread thread of its own}, or in {@linkplain CallersThread the caller's}. */
public interface WorkerThread {
    /**
     * Runs a task that deals with its failures itself.
     *
     * @param notBegun takes, in the thread that would have run the task, why it could not be bound
     * @return whether the task was taken; not if this is closed
     */
    boolean execute(Runnable task, Consumer<Throwable> notBegun);

    /** Runs a task; empty if this is closed. */
    <T> Optional<CompletableFuture<T>> offer(Callable<T> task);

    /** The thread in which the present task runs, to see where it is; null if none does and there is no thread but for tasks. */
    @Nullable Thread thread();

    /** Whether an interrupt of the thread that runs the present task is meant for that task. */
    boolean isInterrupted();

    /** Takes no more tasks. Returns at once. Closing twice has no effect. */
    void close();

    /**
     * Waits until the last task has ended, after {@link #close}.
     *
     * @return whether it has
     */
    boolean awaitEnd(long millis) throws InterruptedException;
}
