package io.github.dl4jpipeline.cli.infer;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.device.CpuRuntime;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A thread that is bound to a device, to measure what one device takes. */
final class BoundThread implements AutoCloseable {
    private final int threads;
    private final ExecutorService executor;

    BoundThread(Device device) {
        threads = device.threads();
        executor = Executors.newSingleThreadExecutor(task -> {
            Runnable bound = () -> {
                CpuRuntime.bindCurrentThread(device);
                task.run();
            };
            Thread thread = new Thread(bound, "measure-" + device.id());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Runs in that thread, and waits. */
    void run(Runnable task) {
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(threads)) {
            CompletableFuture.runAsync(task, executor).join();
        }
    }

    @Override
    public void close() {
        executor.shutdown();
    }
}
