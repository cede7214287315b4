package io.github.dl4jpipeline.internal.execute;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads that take part in the update beside the workers: a worker is one thread, however many threads the operations on its
 * device have, and an update is many small pieces of work that need no operation.
 */
final class UpdateThreads implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(UpdateThreads.class);
    private static final long CLOSE_SECONDS = 30;

    private final int count;
    private final ThreadPoolExecutor threads;

    /** @param count may be 0 */
    UpdateThreads(String pipeline, int count) {
        this.count = count;
        int size = Math.max(1, count);
        AtomicInteger started = new AtomicInteger();
        threads = new ThreadPoolExecutor(size, size, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> {
            Thread thread = new Thread(work, pipeline + "-update-" + started.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        });
        if (count > 0) {
            threads.prestartAllCoreThreads(); // not in the middle of an update, where there may be no memory for one
        }
    }

    /** Starts the same work in each of the threads that have not been closed. */
    List<CompletableFuture<Void>> start(Runnable work) {
        List<CompletableFuture<Void>> started = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            try {
                started.add(CompletableFuture.runAsync(work, threads));
            } catch (RejectedExecutionException e) {
                break; // closed just now; the other threads do the work
            }
        }
        return started;
    }

    /** Lets the threads end after what they do, and waits for that. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                log.warn("Threads of an update still run {} s after the pipeline was closed", CLOSE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
