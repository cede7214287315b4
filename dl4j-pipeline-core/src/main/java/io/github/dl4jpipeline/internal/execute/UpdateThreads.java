package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.device.DeviceThread;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads that take part in the update beside the workers. A worker is one thread, however many threads its device's
 * operations have. An update is many small pieces of work that use no operation, so it needs a thread for each core.
 */
final class UpdateThreads implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(UpdateThreads.class);
    private static final Duration CLOSE = Duration.ofSeconds(30);

    private final List<DeviceThread> threads = new ArrayList<>();

    /** @param count may be 0 */
    UpdateThreads(String pipeline, int count) {
        for (int i = 0; i < count; i++) {
            threads.add(DeviceThread.unbound(pipeline + "-update-" + i));
        }
        try {
            threads.forEach(
                    DeviceThread::start); // not in the middle of an update, where there may be no memory for one
        } catch (Throwable e) {
            threads.forEach(DeviceThread::close);
            throw e;
        }
    }

    /** Starts the same work in each of the threads that have not been closed; it runs there. */
    List<CompletableFuture<@Nullable Void>> start(Runnable work) {
        List<CompletableFuture<@Nullable Void>> started = new ArrayList<>();
        for (DeviceThread thread : threads) {
            thread.<@Nullable Void>offer(() -> {
                        work.run();
                        return null;
                    })
                    .ifPresent(started::add); // the other threads do the work
        }
        return started;
    }

    /** Lets the threads end after what they do, and waits for that. */
    @Override
    public void close() {
        threads.forEach(DeviceThread::close);
        if (!DeviceThread.awaitEnd(threads, CLOSE) && !Thread.currentThread().isInterrupted()) {
            log.warn("Threads of an update still run {} s after the pipeline was closed", CLOSE.toSeconds());
        }
    }
}
