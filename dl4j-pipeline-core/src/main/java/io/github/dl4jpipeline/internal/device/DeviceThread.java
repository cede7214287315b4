package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads that are bound to devices. */
public final class DeviceThread {
    private DeviceThread() {}

    /** A single daemon thread on a device, which starts with the first task. */
    public static ExecutorService on(Device device, String name) {
        return bound(() -> DeviceRuntimes.of(device).bindCurrentThread(device), name);
    }

    /** The same for work on the host's arrays: on the device, or if that has memory of its own, on none. */
    public static ExecutorService withHostArrays(Device device, String name) {
        return bound(() -> bindForHostArrays(device), name);
    }

    /** A single daemon thread that {@link #bindForHostArrays} takes from device to device. */
    public static ExecutorService unbound(String name) {
        return bound(() -> {}, name);
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
