package io.github.dl4jpipeline.internal.device;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Waits for work that uses the caller's arrays, also when interrupted; the calling thread is then interrupted afterwards. */
public final class Uninterruptibly {
    private Uninterruptibly() {}

    /**
     * The result of a task.
     *
     * @throws ExecutionException if it has failed; the cause is what it has thrown
     */
    public static <T> T get(Future<T> task) throws ExecutionException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits until a task is done. Returns what it has thrown, or null. */
    public static @Nullable Throwable failureOf(Future<?> task) {
        try {
            get(task);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }
}
