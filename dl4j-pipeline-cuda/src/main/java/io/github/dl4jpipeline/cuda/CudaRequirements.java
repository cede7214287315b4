package io.github.dl4jpipeline.cuda;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.DevicesUnavailableException;
import java.util.List;

/** Decides from what was found which GPUs can be used, or says why none can. */
final class CudaRequirements {
    private static final int DRIVER_VERSION = 11060;
    private static final String INSTEAD = " Until then, Devices.cpu() trains on this machine's cores.";

    private CudaRequirements() {}

    /**
     * The usable GPUs, in the driver's order.
     *
     * @throws DevicesUnavailableException if there is none: what was found, what is needed, what runs instead
     */
    static Devices devices(CudaFindings found) {
        if (found.driverProblem() != null) {
            throw unavailable("no NVIDIA driver was found: " + found.driverProblem(), "install driver 510.39 or newer");
        }
        if (found.driverVersion() < DRIVER_VERSION) {
            throw unavailable(
                    "the NVIDIA driver is for CUDA " + version(found.driverVersion()),
                    "install driver 510.39 or newer, which is for CUDA 11.6");
        }
        if (found.gpus().isEmpty()) {
            throw unavailable("the NVIDIA driver sees no GPU", "check nvidia-smi and CUDA_VISIBLE_DEVICES");
        }
        List<Gpu> usable = found.gpus().stream().filter(Gpu::isSupported).toList();
        if (usable.isEmpty()) {
            throw unavailable(
                    "found " + found.gpus(),
                    "nd4j-cuda-11.6 1.0.0-M2.1 has machine code for compute capabilities 3.7 to 8.6 (Kepler to Ampere)"
                            + " only, so use a GPU of those");
        }
        if (found.backend() == null) {
            throw unavailable(
                    "found " + usable + ", but not ND4J's CUDA backend",
                    "put org.nd4j:nd4j-cuda-11.6:1.0.0-M2.1 on the class path, and take nd4j-native off it");
        }
        if (!found.natives()) {
            throw unavailable(
                    "found nd4j-cuda-11.6 without its native library",
                    "add it once more with your platform's classifier, such as linux-x86_64");
        }
        return new Devices(usable.stream()
                .map(gpu -> new Device(
                        "gpu-" + gpu.index(), Device.Kind.GPU, List.of(), gpu.memoryBytes(), 1.0))
                .toList());
    }

    private static String version(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }

    private static DevicesUnavailableException unavailable(String found, String needed) {
        return new DevicesUnavailableException("No GPU can be used: " + found + ". Needed: " + needed + "." + INSTEAD);
    }
}
