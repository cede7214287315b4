package io.github.dl4jpipeline.internal.device;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * Runs each task at once, in the thread that gives it, on the host. Where the caller's thread may run is not changed. What ND4J keeps
 * for each thread is as before when a task has ended: OpenMP's number of threads, the current workspace, and the random generator.
 */
public final class CallersThread implements WorkerThread {
    private final int threads;

    /** Held while a task runs. */
    private final ReentrantLock running = new ReentrantLock();

    private volatile boolean closed;
    private volatile @Nullable Thread thread;

    /** @param threads how many an operation of a task may use */
    public CallersThread(int threads) {
        this.threads = threads;
    }

    @Override
    public boolean execute(Runnable task, Consumer<Throwable> notBegun) {
        running.lock();
        try {
            if (closed) {
                return false;
            }
            thread = Thread.currentThread();
            runAsOnDevice(task);
            return true;
        } finally {
            thread = null;
            running.unlock();
        }
    }

    private void runAsOnDevice(Runnable task) {
        Random random = Nd4j.getRandom(); // makes ND4J load its native code, which NativeOpsHolder alone cannot
        NativeOps operations = NativeOpsHolder.getInstance().getDeviceNativeOps();
        int threadsBefore = operations.ompGetMaxThreads();
        MemoryWorkspace workspaceBefore = Nd4j.getMemoryManager().getCurrentWorkspace();
        long seed = random.getSeed();
        long rootState = random.rootState();
        long nodeState = random.nodeState();
        operations.setOmpNumThreads(threads);
        Nd4j.getMemoryManager().setCurrentWorkspace(null);
        try {
            task.run();
        } finally {
            Nd4j.getMemoryManager().setCurrentWorkspace(workspaceBefore);
            operations.setOmpNumThreads(threadsBefore);
            random.setSeed(seed);
            random.setStates(rootState, nodeState);
        }
    }

    @Override
    public <T> Optional<CompletableFuture<T>> offer(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        boolean taken = execute(
                () -> {
                    try {
                        result.complete(task.call());
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                },
                result::completeExceptionally);
        return taken ? Optional.of(result) : Optional.empty();
    }

    @Override
    public @Nullable Thread thread() {
        return thread;
    }

    @Override
    public boolean isInterrupted() {
        return Thread.currentThread().isInterrupted();
    }

    @Override
    public void close() {
        closed = true;
    }

    @Override
    public boolean awaitEnd(long millis) throws InterruptedException {
        if (!running.tryLock(millis, TimeUnit.MILLISECONDS)) {
            return false;
        }
        running.unlock();
        return true;
    }
}
