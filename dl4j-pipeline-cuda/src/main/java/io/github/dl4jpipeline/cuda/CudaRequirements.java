package io.github.dl4jpipeline.cuda;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** Decides from what was found whether GPUs can be used, or says why not, what is needed, and what runs instead. */
final class CudaRequirements {
    /** Those for which there are natives of nd4j-cuda-11.6 1.0.0-M2.1. */
    private static final Set<String> PLATFORMS = Set.of("linux-x86_64", "windows-x86_64");

    /** Drivers for CUDA 11.0 and newer run what is built for any CUDA 11. */
    private static final int CUDA_VERSION = 11000;

    private static final String DRIVER = "an NVIDIA driver for CUDA 11 or newer: 450.80.02 on Linux, 452.39 on Windows";

    private CudaRequirements() {}

    /**
     * The GPUs that ND4J can use, which are all that the driver shows.
     *
     * @throws DevicesUnavailableException if there are none, or if some cannot be used
     */
    static List<Gpu> usable(CudaFindings found) {
        DriverFindings driver = found.driver();
        if (!PLATFORMS.contains(found.platform())) {
            throw unavailable(
                    "this is " + found.platform(), "Linux or Windows on x86-64, for which ND4J has a CUDA backend");
        }
        if (driver.problem() != null) {
            throw unavailable(driver.problem(), DRIVER);
        }
        if (driver.cudaVersion() < CUDA_VERSION) {
            throw unavailable("the NVIDIA driver is for CUDA " + version(driver.cudaVersion()), DRIVER);
        }
        if (driver.gpus().isEmpty()) {
            throw unavailable(
                    "the NVIDIA driver shows no GPU",
                    "a GPU that nvidia-smi lists, and that CUDA_VISIBLE_DEVICES does not hide");
        }
        requireSupported(driver.gpus());
        if (!found.classes()) {
            throw unavailable(
                    "found " + driver.gpus() + ", but not ND4J's CUDA backend",
                    "org.nd4j:nd4j-cuda-11.6-platform:1.0.0-M2.1 on the class path in place of nd4j-native");
        }
        if (!found.natives()) {
            throw unavailable(
                    "found " + driver.gpus() + ", but of nd4j-cuda-11.6 only the classes",
                    "org.nd4j:nd4j-cuda-11.6:1.0.0-M2.1 with the classifier " + found.platform() + " or "
                            + found.platform() + "-cudnn");
        }
        return driver.gpus();
    }

    /** ND4J prepares every GPU that it sees, and lets threads of its own run on any, so one that it cannot use is too many. */
    private static void requireSupported(List<Gpu> gpus) {
        List<Gpu> supported = gpus.stream().filter(Gpu::isSupported).toList();
        if (supported.size() == gpus.size()) {
            return;
        }
        String needed = "GPUs of compute capability 3.7 to 8.6 (Kepler to Ampere), since nd4j-cuda-11.6 1.0.0-M2.1 has"
                + " machine code for no others";
        if (!supported.isEmpty()) {
            String visible =
                    supported.stream().map(gpu -> String.valueOf(gpu.index())).collect(Collectors.joining(","));
            needed += "; start with CUDA_VISIBLE_DEVICES=" + visible + " to use " + supported;
        }
        throw unavailable("found " + gpus, needed);
    }

    /**
     * The devices for GPUs. Cards of one model count as equal, with the least memory that is free on one of them, since plans
     * for equal devices are found sooner.
     *
     * @param freeBytes of a GPU
     */
    static Devices devices(List<Gpu> gpus, ToLongFunction<Gpu> freeBytes) {
        Map<String, Long> free = gpus.stream().collect(Collectors.toMap(Gpu::name, freeBytes::applyAsLong, Math::min));
        return new Devices(gpus.stream()
                .map(gpu -> new Device(gpu.id(), Device.Kind.GPU, List.of(), free.get(gpu.name()), 1.0))
                .toList());
    }

    /** @param problem why ND4J does not run on its CUDA backend, although nothing above is missing */
    static DevicesUnavailableException notLoaded(List<Gpu> gpus, String problem) {
        return unavailable(
                "found " + gpus + ", but " + problem,
                "the libraries of CUDA 11.6, from NVIDIA's installer or as"
                        + " org.bytedeco:cuda-platform-redist:11.6-8.3-1.5.7 on the class path, without nd4j-native there");
    }

    private static String version(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }

    private static DevicesUnavailableException unavailable(String found, String needed) {
        return new DevicesUnavailableException("No GPU can be used: " + found + ". Needed: " + needed
                + ". What runs instead: Devices.cpu(), this machine's cores, with nd4j-native on the class path in place"
                + " of nd4j-cuda.");
    }
}
