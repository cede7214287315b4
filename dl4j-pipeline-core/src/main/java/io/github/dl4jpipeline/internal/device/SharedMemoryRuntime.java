package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import java.util.function.Supplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** CPU devices: sets of cores, which share the host's memory. */
enum SharedMemoryRuntime implements DeviceRuntime {
    INSTANCE;

    @Override
    public Device.Kind kind() {
        return Device.Kind.CPU;
    }

    @Override
    public Devices devices() {
        return Devices.cpu();
    }

    @Override
    public boolean sharesMemory() {
        return true;
    }

    @Override
    public void bindCurrentThread(Device device) {
        CpuRuntime.bindCurrentThread(device);
    }

    @Override
    public <T> T on(Device device, Supplier<T> work) {
        return work.get();
    }

    @Override
    public INDArray copyHere(INDArray array) {
        return array.dup(array.ordering());
    }

    @Override
    public INDArray copyToHost(INDArray array) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return array.dup(array.ordering());
        }
    }

    @Override
    public void copy(INDArray from, INDArray to) {
        to.assign(from);
    }

    @Override
    public void synchronize() {
        // operations are done when they return
    }

    @Override
    public long freeBytes(Device device) {
        return device.memoryBytes();
    }

    @Override
    public long totalBytes(Device device) {
        return device.memoryBytes();
    }
}
