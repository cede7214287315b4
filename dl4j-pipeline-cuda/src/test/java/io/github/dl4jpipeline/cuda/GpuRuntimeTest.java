package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

class GpuRuntimeTest {
    private static final long MEBIBYTE = 1 << 20;

    private final DeviceRuntime runtime = new CudaDeviceRuntime();

    private static int gpuOf(INDArray array) {
        return Nd4j.getAffinityManager().getDeviceForArray(array);
    }

    @OnGpus(1)
    void nd4jSeesTheGpusOfTheDriver() {
        Devices devices = Devices.gpu();
        assertThat(devices.size()).isEqualTo(Nd4j.getAffinityManager().getNumberOfDevices());
        for (Gpu gpu : CudaFindings.ofThisMachine().driver().gpus()) {
            Device device = devices.get(gpu.index());
            assertThat(device.id()).isEqualTo(gpu.id());
            assertThat(runtime.totalBytes(device)).isEqualTo(gpu.memoryBytes());
            GpuReport.line(
                    "- %s: %d of %d MiB free",
                    gpu, runtime.freeBytes(device) / MEBIBYTE, runtime.totalBytes(device) / MEBIBYTE);
        }
    }

    @OnGpus(1)
    void aBoundThreadAllocatesOnItsGpu() throws Exception {
        for (Device device : Devices.gpu().list()) {
            try (DeviceThread thread = DeviceThread.on(device, "test-" + device.id())) {
                assertThat(thread.submit(() -> gpuOf(Nd4j.ones(100))).get()).isEqualTo(Gpu.indexOf(device));
            }
        }
    }

    @OnGpus(1)
    void workOnAnotherGpuLeavesTheThreadWhereItWas() {
        int before = Nd4j.getAffinityManager().getDeviceForCurrentThread();
        for (Device device : Devices.gpu().list()) {
            INDArray array =
                    runtime.on(device, () -> Nd4j.ones(DataType.FLOAT, 100).muli(3));
            assertThat(gpuOf(array)).isEqualTo(Gpu.indexOf(device));
            assertThat(gpuOf(runtime.copyToHost(array))).isZero();
            assertThat(Nd4j.getAffinityManager().getDeviceForCurrentThread()).isEqualTo(before);
        }
    }

    @OnGpus(2)
    void copiesBetweenAllGpus() {
        GpuReport.line(
                "- peer access: %s",
                NativeOpsHolder.getInstance().getDeviceNativeOps().isP2PAvailable());
        for (Device from : Devices.gpu().list()) {
            for (Device to : Devices.gpu().list()) {
                new CopyCheck(runtime, from, to).run();
                GpuReport.line("- copies from %s to %s: %.2f GB/s", from.id(), to.id(), gigabytesPerSecond(from, to));
            }
        }
    }

    private double gigabytesPerSecond(Device from, Device to) {
        int copies = 10;
        INDArray source = runtime.on(from, () -> Nd4j.ones(DataType.FLOAT, 64 * MEBIBYTE / Float.BYTES));
        return runtime.on(to, () -> {
            runtime.copyHere(source).close();
            long start = System.nanoTime();
            for (int i = 0; i < copies; i++) {
                runtime.copyHere(source).close();
            }
            return copies * 64.0 * MEBIBYTE / (System.nanoTime() - start);
        });
    }

    @OnGpus(1)
    void anArrayTakesMemoryOfItsGpu() {
        Device device = Devices.gpu().list().get(Devices.gpu().size() - 1);
        long bytes = 256 * MEBIBYTE;
        runtime.on(device, () -> Nd4j.ones(100)); // what the GPU needs for the first array
        long before = runtime.freeBytes(device);
        INDArray array = runtime.on(device, () -> Nd4j.ones(DataType.FLOAT, bytes / Float.BYTES));
        long after = runtime.freeBytes(device);
        assertThat(before - after).isGreaterThanOrEqualTo(bytes);
        assertThat(after).isLessThan(runtime.totalBytes(device));
        array.close();
        GpuReport.line(
                "- an array of 256 MiB on %s takes %d MiB, %d MiB after it is closed",
                device.id(), (before - after) / MEBIBYTE, (before - runtime.freeBytes(device)) / MEBIBYTE);
    }
}
