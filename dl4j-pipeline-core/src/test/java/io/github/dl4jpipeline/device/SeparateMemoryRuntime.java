package io.github.dl4jpipeline.device;

import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * CPU threads that behave like devices with memory of their own: see {@link SeparateMemory}, which must be installed.
 */
public final class SeparateMemoryRuntime implements DeviceRuntime {
    private static volatile double bytesPerNano = Double.POSITIVE_INFINITY;
    private static volatile Runnable onCopy = SeparateMemoryRuntime::nothing;
    private static volatile Runnable onSynchronize = SeparateMemoryRuntime::nothing;

    /** Devices with a limit on the bytes that are allocated on each. */
    public static Devices devices(int count, long bytes) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("device-" + i, Device.Kind.GPU, List.of(), bytes, 1))
                .toList());
    }

    /** Lets every copy take its bytes divided by a bandwidth. */
    public static void setBandwidth(double bytesPerSecond) {
        bytesPerNano = bytesPerSecond / 1e9;
    }

    /** What happens whenever elements of one array are copied into another. */
    public static void onCopy(Runnable action) {
        onCopy = action;
    }

    /** What happens whenever a thread waits for its device. */
    public static void onSynchronize(Runnable action) {
        onSynchronize = action;
    }

    private static void nothing() {}

    /** Copies take no time, and nothing else happens. */
    public static void reset() {
        bytesPerNano = Double.POSITIVE_INFINITY;
        onCopy = SeparateMemoryRuntime::nothing;
        onSynchronize = SeparateMemoryRuntime::nothing;
    }

    @Override
    public Device.Kind kind() {
        return Device.Kind.GPU;
    }

    @Override
    public List<Device> devices() {
        return devices(4, 1L << 33).list();
    }

    @Override
    public boolean sharesMemory() {
        return false;
    }

    @Override
    public void bindCurrentThread(Device device) {
        SeparateMemory.enter(device);
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(1);
    }

    @Override
    public <T> T on(Device device, Supplier<T> work) {
        Device before = SeparateMemory.enter(device);
        try {
            return work.get();
        } finally {
            SeparateMemory.enter(before);
        }
    }

    @Override
    public INDArray copyHere(INDArray array) {
        delay(array);
        return SeparateMemory.unchecked(() -> array.dup(array.ordering()));
    }

    @Override
    public INDArray copyToHost(INDArray array) {
        delay(array);
        Device before = SeparateMemory.enter(null);
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return SeparateMemory.unchecked(() -> array.dup(array.ordering()));
        } finally {
            SeparateMemory.enter(before);
        }
    }

    @Override
    public void copy(INDArray from, INDArray to) {
        onCopy.run();
        delay(from);
        SeparateMemory.unchecked(() -> to.assign(from));
    }

    private static void delay(INDArray array) {
        long nanos = (long) (array.length() * array.dataType().width() / bytesPerNano);
        if (nanos > 0) {
            LockSupport.parkNanos(nanos);
        }
    }

    @Override
    public void synchronize() {
        onSynchronize.run(); // operations are done when they return
    }

    @Override
    public long freeBytes(Device device) {
        return device.memoryBytes() - SeparateMemory.bytes(device);
    }

    @Override
    public long totalBytes(Device device) {
        return device.memoryBytes();
    }
}
