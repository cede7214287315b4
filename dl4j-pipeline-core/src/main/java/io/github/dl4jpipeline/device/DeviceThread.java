package io.github.dl4jpipeline.device;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads that are bound to a device for their life. */
public final class DeviceThread {
    private DeviceThread() {}

    /** A single daemon thread on a device, which starts with the first task. */
    public static ExecutorService on(Device device, String name) {
        return Executors.newSingleThreadExecutor(task -> {
            Runnable bound = () -> {
                DeviceRuntimes.of(device).bindCurrentThread(device);
                task.run();
            };
            Thread thread = new Thread(bound, name);
            thread.setDaemon(true);
            return thread;
        });
    }
}
