package io.github.dl4jpipeline.benchmarks;

import java.util.concurrent.atomic.AtomicLong;

/** Ends processes that this one has started and that take more memory than they may, as YARN and Kubernetes do. */
final class MemoryGuard implements AutoCloseable {
    private static final long LOOK_MILLIS = 20;

    private final long mostBytes;
    private final AtomicLong peak = new AtomicLong();
    private final Thread thread = new Thread(this::watch, "memory-guard");
    private volatile boolean closed;

    MemoryGuard(long mostBytes) {
        this.mostBytes = mostBytes;
        thread.setDaemon(true);
        thread.start();
    }

    /** The most that one of them has had, in bytes. */
    long peakBytes() {
        return peak.get();
    }

    private void watch() {
        while (!closed) {
            ProcessHandle.current().children().forEach(this::look);
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void look(ProcessHandle process) {
        long bytes = ResidentMemory.bytes(process.pid());
        peak.accumulateAndGet(bytes, Math::max);
        if (bytes > mostBytes) {
            process.destroyForcibly();
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
