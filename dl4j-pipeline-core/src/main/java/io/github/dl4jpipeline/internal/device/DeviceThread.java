package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/**
 * A daemon thread with a life of its own, for tasks that it runs one after the other.
 *
 * <p>It starts with the first task, or with {@link #start}. It is bound once, before its first task. {@link #close} lets it end
 * after the tasks that it has been given. An interrupt by others does not end it.
 *
 * <p>The binding and the tasks run in this thread, and so does what is chained to a task's future before that is complete.
 * Everything else runs in the thread that calls. What the binding or a task throws, reaches the caller in the task's future; the
 * thread goes on with the next task, before which a binding that has failed is tried again.
 */
public final class DeviceThread implements WorkerThread, AutoCloseable {
    private final Runnable binding;
    private final Thread thread;
    private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    private boolean started;
    private boolean closed;

    // Read and written in this thread only.
    private boolean bound;
    private boolean ended;

    private DeviceThread(String name, Runnable binding) {
        this.binding = binding;
        this.thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    /** A thread on a device. */
    public static DeviceThread on(Device device, String name) {
        return new DeviceThread(name, () -> DeviceRuntimes.of(device).bindCurrentThread(device));
    }

    /** The same for work on the host's arrays: on the device, or if that has memory of its own, on none. */
    public static DeviceThread withHostArrays(Device device, String name) {
        return new DeviceThread(name, () -> bindForHostArrays(device));
    }

    /** A thread on the host, whose arrays are where a runtime has them. */
    public static DeviceThread onHost(DeviceRuntime runtime, String name) {
        return new DeviceThread(name, runtime::bindCurrentThreadToHost);
    }

    /** A thread on no device, or one that {@link #bindForHostArrays} takes from device to device. */
    public static DeviceThread unbound(String name) {
        return new DeviceThread(name, () -> {});
    }

    /** Binds the calling thread to work on the host's arrays: on the device, or if that has memory of its own, on none. */
    public static void bindForHostArrays(Device device) {
        DeviceRuntime runtime = DeviceRuntimes.of(device);
        if (DeviceRuntimes.usesHostArrays(device)) {
            runtime.bindCurrentThread(device);
        } else {
            runtime.bindCurrentThreadToHost();
        }
    }

    /** Starts the thread before its first task, unless it runs. */
    public synchronized void start() {
        if (!started) {
            thread.start();
            started = true;
        }
    }

    /** Gives the thread a task. If it is closed, the future fails with a {@link RejectedExecutionException}. */
    public <T> CompletableFuture<T> submit(Callable<T> task) {
        return offer(task)
                .orElseGet(() -> CompletableFuture.failedFuture(
                        new RejectedExecutionException("Thread " + thread.getName() + " is closed")));
    }

    /** Gives the thread a task; empty if it is closed. */
    @Override
    public synchronized <T> Optional<CompletableFuture<T>> offer(Callable<T> task) {
        if (closed) {
            return Optional.empty();
        }
        start();
        CompletableFuture<T> result = new CompletableFuture<>();
        tasks.add(() -> complete(result, task));
        return Optional.of(result);
    }

    private <T> void complete(CompletableFuture<T> result, Callable<T> task) {
        try {
            bind();
            result.complete(task.call());
        } catch (Throwable e) {
            result.completeExceptionally(asCause(e));
        }
    }

    /** So that {@code get()} and {@code join()} have it as their cause; the failure itself if there is no memory for more. */
    private static Throwable asCause(Throwable failure) {
        try {
            return new CompletionException(failure);
        } catch (Throwable second) {
            return failure;
        }
    }

    /** Gives the thread a task that deals with its failures itself. Returns at once. */
    @Override
    public synchronized boolean execute(Runnable task, Consumer<Throwable> notBegun) {
        if (closed) {
            return false;
        }
        start();
        tasks.add(() -> {
            try {
                bind();
            } catch (Throwable e) {
                notBegun.accept(e);
                return;
            }
            task.run();
        });
        return true;
    }

    private void bind() {
        if (!bound) {
            binding.run();
            bound = true;
        }
    }

    private void run() {
        while (!ended) {
            try {
                tasks.take().run();
            } catch (InterruptedException e) {
                // Somebody else interrupted this thread; only close() ends it.
            } catch (Throwable e) { // of a task that should have dealt with it; the next ones run all the same
                thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
            }
            Thread.interrupted(); // nor is it for the next task
        }
    }

    private void end() {
        ended = true;
    }

    /** The thread, to see where it is. */
    @Override
    public Thread thread() {
        return thread;
    }

    /** Never: who interrupts this thread does not know what it runs. */
    @Override
    public boolean isInterrupted() {
        return false;
    }

    /** Lets the thread end after the tasks that it has. Returns at once. Closing twice has no effect. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            tasks.add(this::end);
        }
    }

    @Override
    public boolean awaitEnd(long millis) throws InterruptedException {
        thread.join(millis);
        return !thread.isAlive();
    }

    /**
     * Waits until threads that have been closed have ended.
     *
     * @return whether they have; not if that takes longer, or if the calling thread is interrupted, which it then stays
     */
    public static boolean awaitEnd(List<DeviceThread> threads, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            for (DeviceThread each : threads) {
                long millis = (deadline - System.nanoTime()) / 1_000_000;
                each.thread.join(Math.max(1, millis));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return threads.stream().noneMatch(each -> each.thread.isAlive());
    }
}
