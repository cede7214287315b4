package io.github.dl4jpipeline.cuda;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * GPUs, each with its own memory, through ND4J's CUDA backend. What DL4J has on the host is on a GPU too: that of the thread
 * which has made the array. ND4J gives the first GPU to the first thread that uses it, so the wrapped graph is usually there.
 *
 * <p>Nothing of the backend is loaded before {@link #devices} has found that it can run here. Operations run in the stream
 * that a thread has on its GPU; copies wait for it.
 */
public final class CudaDeviceRuntime implements DeviceRuntime {
    /** The first GPU. */
    private static final int HOST = 0;

    private final Supplier<AffinityManager> affinity;

    /** For the service loader. */
    public CudaDeviceRuntime() {
        this(() -> Nd4j.getAffinityManager());
    }

    /** @param affinity knows on which GPU threads and arrays are; asked only after {@link #devices} */
    CudaDeviceRuntime(Supplier<AffinityManager> affinity) {
        this.affinity = affinity;
    }

    @Override
    public Device.Kind kind() {
        return Device.Kind.GPU;
    }

    @Override
    public List<Device> devices() {
        List<Gpu> gpus = CudaRequirements.usable(CudaFindings.ofThisMachine());
        String problem = CudaBackend.problem();
        if (problem != null) {
            throw CudaRequirements.notLoaded(gpus, problem);
        }
        return CudaRequirements.devices(gpus, gpu -> nativeOps().getDeviceFreeMemory(gpu.index()))
                .list();
    }

    @Override
    public boolean sharesMemory() {
        return false;
    }

    @Override
    public void bindCurrentThread(Device device) {
        affinity().unsafeSetDevice(Gpu.indexOf(device));
    }

    /** Without it, ND4J would give the thread any GPU. */
    @Override
    public void bindCurrentThreadToHost() {
        affinity().unsafeSetDevice(HOST);
    }

    @Override
    public <T> T on(Device device, Supplier<T> work) {
        return on(Gpu.indexOf(device), work);
    }

    /** Out of workspaces: those that are open have their memory on the GPU that the thread has had. */
    private <T> T on(int gpu, Supplier<T> work) {
        int before = affinity().getDeviceForCurrentThread();
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            moveTo(gpu, before);
            T result = work.get();
            synchronize();
            return result;
        } finally {
            moveTo(before, affinity().getDeviceForCurrentThread());
        }
    }

    /** A thread loses its streams and buffers when it moves, and gets new ones. */
    private void moveTo(int gpu, int from) {
        if (gpu != from) {
            affinity().unsafeSetDevice(gpu);
        }
    }

    @Override
    public INDArray copyHere(INDArray array) {
        int from = affinity().getDeviceForArray(array);
        if (from == affinity().getDeviceForCurrentThread()) {
            INDArray copy = array.dup(array.ordering());
            synchronize();
            return copy;
        }
        if (Contiguous.isContiguous(array)) {
            return copyElements(array);
        }
        INDArray contiguous = on(from, () -> array.dup(array.ordering()));
        try {
            return copyElements(contiguous);
        } finally {
            contiguous.close();
        }
    }

    /** CUDA finds out from the addresses where the two buffers are. The copy is done on return. */
    private static INDArray copyElements(INDArray array) {
        INDArray copy = Nd4j.createUninitialized(array.dataType(), array.shape(), array.ordering());
        Nd4j.getMemoryManager().memcpy(copy.data(), Contiguous.elements(array));
        return copy;
    }

    @Override
    public INDArray copyToHost(INDArray array) {
        return on(HOST, () -> copyHere(array));
    }

    @Override
    public void copy(INDArray from, INDArray to) {
        int gpu = affinity().getDeviceForArray(to);
        boolean near = affinity().getDeviceForArray(from) == gpu;
        on(gpu, () -> {
            if (near) {
                return to.assign(from);
            }
            INDArray here = copyHere(from);
            to.assign(here);
            synchronize();
            here.close();
            return to;
        });
    }

    @Override
    public void synchronize() {
        Nd4j.getExecutioner().commit();
    }

    @Override
    public long freeBytes(Device device) {
        return nativeOps().getDeviceFreeMemory(Gpu.indexOf(device));
    }

    @Override
    public long totalBytes(Device device) {
        return nativeOps().getDeviceTotalMemory(Gpu.indexOf(device));
    }

    private AffinityManager affinity() {
        return affinity.get();
    }

    private static NativeOps nativeOps() {
        return NativeOpsHolder.getInstance().getDeviceNativeOps();
    }
}
