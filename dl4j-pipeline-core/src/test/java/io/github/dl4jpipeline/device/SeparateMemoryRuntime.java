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
 * CPU threads that behave like devices with memory of their own: see {@link SeparateMemory}, which must be installed. An open {@link Link} says what copies do.
 */
public final class SeparateMemoryRuntime implements DeviceRuntime {
    /** Devices with a limit on the bytes that are allocated on each. */
    public static Devices devices(int count, long bytes) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("device-" + i, Device.Kind.GPU, List.of(), bytes, 1))
                .toList());
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
        Link.OPEN.forEach(link -> link.onCopy.run());
        delay(from);
        SeparateMemory.unchecked(() -> to.assign(from));
    }

    private static void delay(INDArray array) {
        for (Link link : Link.OPEN) {
            LockSupport.parkNanos((long) (array.length() * array.dataType().width() / link.bytesPerNano));
        }
    }

    @Override
    public void synchronize() {
        Link.OPEN.forEach(link -> link.onSynchronize.run()); // operations are done when they return
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
