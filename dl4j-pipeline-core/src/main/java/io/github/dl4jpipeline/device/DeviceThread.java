package io.github.dl4jpipeline.device;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads that are bound to a device for their life. */
public final class DeviceThread {
    private DeviceThread() {}

    /** A single daemon thread on a device, which starts with the first task. */
    public static ExecutorService on(Device device, String name) {
        return bound(() -> DeviceRuntimes.of(device).bindCurrentThread(device), name);
    }

    /** The same for work on the host's arrays: on the device, or if that has memory of its own, on none. */
    public static ExecutorService withHostArrays(Device device, String name) {
        DeviceRuntime runtime = DeviceRuntimes.of(device);
        return runtime.sharesMemory() ? on(device, name) : bound(runtime::bindCurrentThreadToHost, name);
    }

    private static ExecutorService bound(Runnable binding, String name) {
        return Executors.newSingleThreadExecutor(task -> {
            Runnable work = () -> {
                binding.run();
                task.run();
            };
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        });
    }
}
