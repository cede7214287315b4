package io.github.dl4jpipeline.execute;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
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
    private final ExecutorService threads;

    /** @param count may be 0; threads start when they are first needed */
    UpdateThreads(String pipeline, int count) {
        this.count = count;
        AtomicInteger started = new AtomicInteger();
        threads = Executors.newFixedThreadPool(Math.max(1, count), work -> {
            Thread thread = new Thread(work, pipeline + "-update-" + started.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Starts the same work in each of the threads; after closing, in none. */
    List<CompletableFuture<Void>> start(Runnable work) {
        try {
            return IntStream.range(0, count)
                    .mapToObj(i -> CompletableFuture.runAsync(work, threads))
                    .toList();
        } catch (RejectedExecutionException e) {
            return List.of();
        }
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
