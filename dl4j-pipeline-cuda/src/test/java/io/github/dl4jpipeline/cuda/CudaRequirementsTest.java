package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaRequirementsTest {
    private static final String LINUX = "linux-x86_64";
    private static final Gpu AMPERE = new Gpu(0, "NVIDIA RTX A6000", 8, 6, 48L << 30);
    private static final Gpu HOPPER = new Gpu(1, "NVIDIA H100 PCIe", 9, 0, 80L << 30);
    private static final Gpu VOLTA = new Gpu(2, "Tesla V100-SXM2-16GB", 7, 0, 16L << 30);

    private static CudaFindings found(Gpu... gpus) {
        return found(new DriverFindings(null, 12020, List.of(gpus)));
    }

    private static CudaFindings found(DriverFindings driver) {
        return new CudaFindings(LINUX, driver, true, true);
    }

    /** Asserts that the message says what was found, what is needed and what runs instead. */
    private static void assertRefused(CudaFindings found, String... parts) {
        assertThatThrownBy(() -> CudaRequirements.usable(found))
                .isInstanceOf(DevicesUnavailableException.class)
                .hasMessageContainingAll(parts)
                .hasMessageContainingAll("Needed: ", "What runs instead: Devices.cpu()");
    }

    @Test
    void supportedGpusInTheDriversOrder() {
        assertThat(CudaRequirements.usable(found(AMPERE, VOLTA))).containsExactly(AMPERE, VOLTA);
    }

    @ParameterizedTest
    @CsvSource({
        "3, 5, false", // Kepler
        "3, 7, true", // K80
        "5, 0, true",
        "6, 1, true",
        "7, 5, true",
        "8, 0, true",
        "8, 6, true", // Ampere
        "8, 9, false", // Ada
        "9, 0, false", // Hopper
        "10, 0, false", // Blackwell
        "12, 0, false"
    })
    void computeCapability(int major, int minor, boolean supported) {
        Gpu gpu = new Gpu(0, "card", major, minor, 1L << 30);
        if (supported) {
            assertThat(CudaRequirements.usable(found(gpu))).containsExactly(gpu);
        } else {
            assertRefused(
                    found(gpu), "gpu-0 (card, compute capability " + major + "." + minor + ")", "3.7 to 8.6 (Kepler");
        }
    }

    @Test
    void anUnsupportedGpuAmongOthersIsToBeHidden() {
        assertRefused(found(AMPERE, HOPPER, VOLTA), "gpu-1 (NVIDIA H100 PCIe", "CUDA_VISIBLE_DEVICES=0,2");
    }

    @ParameterizedTest
    @CsvSource({"linux-arm64", "macosx-arm64", "linux-ppc64le"})
    void platformWithoutBackend(String platform) {
        assertRefused(
                new CudaFindings(platform, new DriverFindings(null, 12020, List.of(AMPERE)), false, false),
                platform,
                "Linux or Windows on x86-64");
    }

    @Test
    void noDriver() {
        assertRefused(
                found(DriverFindings.failed("there is no NVIDIA driver: libcuda.so.1")),
                "there is no NVIDIA driver: libcuda.so.1",
                "450.80.02 on Linux, 452.39 on Windows");
    }

    @Test
    void driverTooOld() {
        assertRefused(found(new DriverFindings(null, 10020, List.of(AMPERE))), "is for CUDA 10.2", "450.80.02");
        assertThat(CudaRequirements.usable(found(new DriverFindings(null, 11040, List.of(AMPERE)))))
                .containsExactly(AMPERE);
    }

    @Test
    void noGpu() {
        assertRefused(found(), "shows no GPU", "CUDA_VISIBLE_DEVICES");
    }

    @Test
    void noBackend() {
        assertRefused(
                new CudaFindings(LINUX, found(AMPERE).driver(), false, false),
                "gpu-0 (NVIDIA RTX A6000",
                "nd4j-cuda-11.6-platform:1.0.0-M2.1");
    }

    @Test
    void backendWithoutNatives() {
        assertRefused(
                new CudaFindings("windows-x86_64", found(AMPERE).driver(), true, false),
                "only the classes",
                "classifier windows-x86_64 or windows-x86_64-cudnn");
    }

    @Test
    void anotherBackendThanCuda() {
        assertThat(CudaRequirements.notLoaded(List.of(AMPERE), "ND4J has loaded CpuBackend"))
                .hasMessageContainingAll(
                        "gpu-0 (NVIDIA RTX A6000",
                        "ND4J has loaded CpuBackend",
                        "the libraries of CUDA 11.6",
                        "without nd4j-native",
                        "What runs instead: Devices.cpu()");
    }

    @Test
    void cardsOfOneModelCountAsEqual() {
        Gpu second = new Gpu(1, AMPERE.name(), 8, 6, AMPERE.memoryBytes());
        Map<Gpu, Long> free = Map.of(AMPERE, 40L << 30, second, 47L << 30, VOLTA, 15L << 30);
        Devices devices = CudaRequirements.devices(List.of(AMPERE, second, VOLTA), free::get);
        assertThat(devices.list()).extracting(Device::id).containsExactly("gpu-0", "gpu-1", "gpu-2");
        assertThat(devices.list()).extracting(Device::kind).containsOnly(Device.Kind.GPU);
        assertThat(devices.list()).extracting(Device::memoryBytes).containsExactly(40L << 30, 40L << 30, 15L << 30);
    }

    @Test
    void oneGpuIsADeviceToo() {
        assertThat(CudaRequirements.devices(CudaRequirements.usable(found(AMPERE)), gpu -> 1L << 30)
                        .size())
                .isEqualTo(1);
    }

    @Test
    void gpusAndCoresDoNotMix() {
        Device gpu = CudaRequirements.devices(List.of(AMPERE), any -> 1L << 30).get(0);
        Device cores = Devices.cpu(1).get(0);
        assertThatThrownBy(() -> Devices.of(gpu, cores)).hasMessageContainingAll("gpu-0", "cpu-0", "one backend");
        assertThatThrownBy(() -> Gpu.indexOf(cores)).hasMessageContainingAll("cpu-0", "Devices.gpu()");
        assertThat(Gpu.indexOf(gpu)).isZero();
        assertThat(Gpu.indexOf(gpu.withRelativeSpeed(2))).isZero();
    }
}
