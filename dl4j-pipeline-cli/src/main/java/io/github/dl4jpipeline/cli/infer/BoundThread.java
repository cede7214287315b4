package io.github.dl4jpipeline.cli.infer;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.WholeProcess;

/** A thread that is bound to a device, to measure what one device takes. */
final class BoundThread implements AutoCloseable {
    private final int threads;
    private final DeviceThread thread;

    BoundThread(Device device) {
        threads = device.threads();
        thread = DeviceThread.on(device, "measure-" + device.id());
    }

    /** Runs in that thread, and waits. */
    void run(Runnable task) {
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(threads)) {
            thread.submit(() -> {
                        task.run();
                        return null;
                    })
                    .join();
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
