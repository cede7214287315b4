package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/**
 * The threads that run tiles at the same time: that of the stage, which calls, and one for each further device. Threads
 * start when they are first needed.
 */
public final class TileThreads implements AutoCloseable {
    private final List<DeviceThread> helpers = new ArrayList<>();

    /**
     * @param name prefix of the threads' names
     * @param devices of the helpers, besides the one that calls
     */
    public TileThreads(String name, List<Device> devices) {
        for (Device device : devices) {
            helpers.add(DeviceThread.on(device, name + "-tiles-" + device.id()));
        }
    }

    /** How many tiles run at the same time. */
    public int size() {
        return 1 + helpers.size();
    }

    /**
     * Runs a task for each number from 0, at the same time, and waits for all. Number 0 runs in the calling thread.
     *
     * @param count at most {@link #size}
     * @throws RuntimeException what the task with the smallest number has thrown
     */
    void run(int count, IntConsumer task) {
        List<Future<?>> others = new ArrayList<>();
        for (int i = 1; i < count; i++) {
            int number = i;
            others.add(helpers.get(i - 1).submit(() -> {
                task.accept(number);
                return null;
            }));
        }
        Throwable failure = null;
        try {
            task.accept(0);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        for (Future<?> other : others) { // even after a failure: they use memory of the step
            Throwable thrown = Uninterruptibly.failureOf(other);
            failure = failure == null ? thrown : failure;
        }
        if (failure instanceof Error error) {
            throw error;
        } else if (failure != null) {
            throw (RuntimeException) failure;
        }
    }

    @Override
    public void close() {
        helpers.forEach(DeviceThread::close);
    }
}
