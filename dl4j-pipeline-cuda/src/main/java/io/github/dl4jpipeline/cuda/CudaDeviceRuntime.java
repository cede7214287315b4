package io.github.dl4jpipeline.cuda;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import java.util.function.Supplier;
import org.nd4j.jita.conf.CudaEnvironment;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * GPUs, each with its own memory, through ND4J's CUDA backend. What DL4J calls the host is the GPU of the calling thread,
 * usually the first: the arrays of the wrapped graph are there too.
 *
 * <p>Nothing of the backend is loaded before {@link #devices} has found that it can run here. Use cuDNN as with plain
 * {@code fit}.
 */
public final class CudaDeviceRuntime implements DeviceRuntime {
    private static boolean configured;

    @Override
    public Device.Kind kind() {
        return Device.Kind.GPU;
    }

    @Override
    public Devices devices() {
        Devices devices = CudaRequirements.devices(CudaDriver.find());
        configure();
        return devices;
    }

    /** Several GPUs must be allowed before the backend's first operation. */
    private static synchronized void configure() {
        if (!configured) {
            configured = true;
            CudaEnvironment.getInstance()
                    .getConfiguration()
                    .allowMultiGPU(true)
                    .allowCrossDeviceAccess(true);
        }
    }

    @Override
    public boolean sharesMemory() {
        return false;
    }

    @Override
    public void bindCurrentThread(Device device) {
        affinity().unsafeSetDevice(index(device));
    }

    @Override
    public <T> T on(Device device, Supplier<T> work) {
        return on(index(device), work);
    }

    private static <T> T on(int index, Supplier<T> work) {
        int before = affinity().getDeviceForCurrentThread();
        if (before == index) {
            return work.get();
        }
        affinity().unsafeSetDevice(index);
        try {
            return work.get();
        } finally {
            affinity().unsafeSetDevice(before);
        }
    }

    @Override
    public INDArray copyHere(INDArray array) {
        int from = affinity().getDeviceForArray(array);
        if (from == affinity().getDeviceForCurrentThread()) {
            return array.dup(array.ordering());
        }
        INDArray source = on(from, () -> contiguous(array));
        INDArray copy = Nd4j.createUninitialized(array.dataType(), array.shape(), array.ordering());
        Nd4j.getMemoryManager().memcpy(copy.data(), source.data());
        synchronize();
        return copy;
    }

    /** Copies between devices take whole buffers, in the order of the elements. */
    private static INDArray contiguous(INDArray array) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            INDArray copy = array.dup(array.ordering());
            Nd4j.getExecutioner().commit();
            return copy;
        }
    }

    @Override
    public void copy(INDArray from, INDArray to) {
        on(affinity().getDeviceForArray(to), () -> {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                to.assign(copyHere(from));
                synchronize();
            }
            return to;
        });
    }

    @Override
    public void synchronize() {
        Nd4j.getExecutioner().commit();
    }

    @Override
    public long freeBytes(Device device) {
        return nativeOps().getDeviceFreeMemory(index(device));
    }

    @Override
    public long totalBytes(Device device) {
        return nativeOps().getDeviceTotalMemory(index(device));
    }

    private static int index(Device device) {
        return Integer.parseInt(device.id().substring("gpu-".length()));
    }

    private static AffinityManager affinity() {
        return Nd4j.getAffinityManager();
    }

    private static NativeOps nativeOps() {
        return NativeOpsHolder.getInstance().getDeviceNativeOps();
    }
}
