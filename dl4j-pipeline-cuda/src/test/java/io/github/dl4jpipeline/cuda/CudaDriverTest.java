package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CudaDriverTest {
    private static final List<Gpu> GPUS = List.of(
            new Gpu(0, "NVIDIA RTX A6000", 8, 6, 51_033_931_776L), new Gpu(1, "Tesla K80", 3, 7, 11_996_954_624L));

    @Test
    void versionAndGpus() {
        assertThat(CudaDriver.ask(() -> new FakeDriver("", 0))).isEqualTo(new DriverFindings(null, 12020, GPUS));
    }

    @Test
    void noDeviceIsNoProblemOfTheDriver() {
        assertThat(CudaDriver.ask(() -> new FakeDriver("cuInit", 100)))
                .isEqualTo(new DriverFindings(null, 12020, List.of()));
    }

    @Test
    void aFailingCallIsNamedWithItsCode() {
        for (String function : List.of(
                "cuDriverGetVersion",
                "cuInit",
                "cuDeviceGetCount",
                "cuDeviceGet",
                "cuDeviceGetName",
                "cuDeviceGetAttribute",
                "cuDeviceTotalMem_v2")) {
            DriverFindings found = CudaDriver.ask(() -> new FakeDriver(function, 803));
            assertThat(found.problem()).isEqualTo("the NVIDIA driver answers " + function + " with error 803");
            assertThat(found.gpus()).isEmpty();
        }
    }

    @Test
    void aMissingLibrary() {
        DriverFindings found = CudaDriver.ask(() -> Native.load("there-is-no-such-library", CudaDriver.Api.class));
        assertThat(found.problem()).contains("no NVIDIA driver", "there-is-no-such-library");
    }

    @Test
    void aLibraryThatIsAnother() {
        DriverFindings found = CudaDriver.ask(() -> Native.load(Platform.MATH_LIBRARY_NAME, CudaDriver.Api.class));
        assertThat(found.problem()).contains("no NVIDIA driver", "cuDriverGetVersion");
    }

    /** A driver with two GPUs, one of whose functions may fail. */
    private record FakeDriver(String failing, int error) implements CudaDriver.Api {
        private static final int HANDLE = 40;

        private int answer(String function) {
            return function.equals(failing) ? error : 0;
        }

        private static Gpu gpu(int device) {
            return GPUS.get(device - HANDLE);
        }

        @Override
        public int cuDriverGetVersion(IntByReference version) {
            version.setValue(12020);
            return answer("cuDriverGetVersion");
        }

        @Override
        public int cuInit(int flags) {
            return answer("cuInit");
        }

        @Override
        public int cuDeviceGetCount(IntByReference count) {
            count.setValue(GPUS.size());
            return answer("cuDeviceGetCount");
        }

        @Override
        public int cuDeviceGet(IntByReference device, int ordinal) {
            device.setValue(HANDLE + ordinal);
            return answer("cuDeviceGet");
        }

        @Override
        public int cuDeviceGetName(byte[] name, int length, int device) {
            byte[] own = gpu(device).name().getBytes(StandardCharsets.UTF_8);
            System.arraycopy(own, 0, name, 0, own.length);
            return answer("cuDeviceGetName");
        }

        @Override
        public int cuDeviceGetAttribute(IntByReference value, int attribute, int device) {
            value.setValue(attribute == 75 ? gpu(device).major() : gpu(device).minor());
            return answer("cuDeviceGetAttribute");
        }

        @Override
        public int cuDeviceTotalMem_v2(LongByReference bytes, int device) {
            bytes.setValue(gpu(device).memoryBytes());
            return answer("cuDeviceTotalMem_v2");
        }
    }
}
