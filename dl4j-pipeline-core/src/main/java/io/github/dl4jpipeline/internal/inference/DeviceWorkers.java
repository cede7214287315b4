package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/** A thread on each device, for tasks of inference, which run there while the caller waits. */
final class DeviceWorkers implements AutoCloseable {
    private final List<DeviceThread> threads = new ArrayList<>();
    private final int threadsOfOperation;

    DeviceWorkers(Devices devices) {
        devices.list().forEach(device -> threads.add(DeviceThread.on(device, "inference-" + device.id())));
        threadsOfOperation =
                devices.list().stream().mapToInt(Device::threads).max().orElse(1);
    }

    int size() {
        return threads.size();
    }

    /**
     * Runs a task on each of the first {@code count} devices at the same time, and waits for all.
     *
     * @param task takes the number of the device
     * @return the results, in the order of the devices
     * @throws RuntimeException or error: the first failure, that of a task that was cancelled last
     */
    <T> List<T> all(int count, IntFunction<T> task) {
        List<Future<T>> futures = new ArrayList<>();
        List<T> results = new ArrayList<>();
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(threadsOfOperation)) {
            for (int i = 0; i < count; i++) {
                int device = i;
                futures.add(threads.get(i).submit(() -> task.apply(device)));
            }
            Throwable failure = null;
            for (Future<T> future : futures) {
                try {
                    results.add(resultOf(future));
                } catch (RuntimeException | Error e) {
                    if (failure == null || failure instanceof CancellationException) {
                        failure = e; // the others still read the batch
                    }
                }
            }
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure != null) {
                throw (RuntimeException) failure;
            }
        }
        return results;
    }

    /** Waits even if interrupted, since tasks read arrays of the caller. */
    private static <T> T resultOf(Future<T> future) {
        try {
            return Uninterruptibly.get(future);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause; // what the graph itself would throw
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() {
        threads.forEach(DeviceThread::close);
    }
}
