package io.github.dl4jpipeline.internal.device;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Waits for work that uses the caller's arrays, also when interrupted; the calling thread is then interrupted afterwards. */
public final class Uninterruptibly {
    private interface Wait<R, E extends Exception> {
        R run() throws InterruptedException, E;
    }

    private Uninterruptibly() {}

    /**
     * The result of a task.
     *
     * @throws ExecutionException if it has failed; the cause is what it has thrown
     */
    public static <T> T get(Future<T> task) throws ExecutionException {
        return Uninterruptibly.<T, ExecutionException>await(task::get);
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

    /** Waits until a thread has ended. */
    public static void join(Thread thread) {
        Uninterruptibly.<Thread, RuntimeException>await(() -> {
            thread.join();
            return thread;
        });
    }

    private static <R, E extends Exception> R await(Wait<R, E> wait) throws E {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.run();
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
}
