package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntimes;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.DevicesUnavailableException;
import java.util.List;
import org.junit.jupiter.api.Test;

class CudaRequirementsTest {
    private static final Gpu AMPERE = new Gpu(0, "RTX A6000", 8, 6, 48L << 30);
    private static final Gpu HOPPER = new Gpu(1, "H100", 9, 0, 80L << 30);
    private static final String BACKEND = "JCublasBackend";

    private static CudaFindings found(Gpu... gpus) {
        return new CudaFindings(BACKEND, true, null, 12020, List.of(gpus));
    }

    private static void assertRefused(CudaFindings found, String... parts) {
        assertThatThrownBy(() -> CudaRequirements.devices(found))
                .isInstanceOf(DevicesUnavailableException.class)
                .hasMessageContainingAll(parts)
                .hasMessageContaining("Devices.cpu()");
    }

    @Test
    void usableGpusInTheDriversOrder() {
        Gpu second = new Gpu(2, "RTX A6000", 8, 6, 48L << 30);
        Devices devices = CudaRequirements.devices(found(AMPERE, HOPPER, second));
        assertThat(devices.list()).extracting(Device::id).containsExactly("gpu-0", "gpu-2");
        assertThat(devices.get(0).memoryBytes()).isEqualTo(48L << 30);
    }

    @Test
    void noDriver() {
        assertRefused(
                new CudaFindings(BACKEND, true, "Unable to load library 'cuda'", 0, List.of()),
                "no NVIDIA driver",
                "510.39");
    }

    @Test
    void driverTooOld() {
        assertRefused(new CudaFindings(BACKEND, true, null, 10020, List.of(AMPERE)), "CUDA 10.2", "510.39");
    }

    @Test
    void noGpu() {
        assertRefused(found(), "sees no GPU", "CUDA_VISIBLE_DEVICES");
    }

    @Test
    void unsupportedChips() {
        assertRefused(found(HOPPER), "gpu-1 (H100, compute capability 9.0)", "3.7 to 8.6");
        assertThat(new Gpu(0, "K40", 3, 5, 1).isSupported()).isFalse();
        assertThat(new Gpu(0, "K80", 3, 7, 1).isSupported()).isTrue();
        assertThat(new Gpu(0, "RTX 4090", 8, 9, 1).isSupported()).isFalse();
    }

    @Test
    void noBackend() {
        assertRefused(new CudaFindings(null, false, null, 12020, List.of(AMPERE)), "nd4j-cuda-11.6:1.0.0-M2.1");
    }

    @Test
    void backendWithoutNatives() {
        assertRefused(new CudaFindings(BACKEND, false, null, 12020, List.of(AMPERE)), "native library", "classifier");
    }

    @Test
    void theServiceLoaderFindsTheRuntime() {
        assertThat(DeviceRuntimes.of(Device.Kind.GPU)).isInstanceOf(CudaDeviceRuntime.class);
    }

    @Test
    void askingThisMachineNeverCrashes() {
        CudaFindings found = CudaDriver.find();
        assertThat(found.backend()).isEqualTo(BACKEND);
        assertThat(found.natives()).isFalse();
        assertThatThrownBy(() -> CudaRequirements.devices(found)).isInstanceOf(DevicesUnavailableException.class);
    }
}
