package io.github.dl4jpipeline.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks the NVIDIA driver itself what there is, before any class of ND4J's CUDA backend is loaded: that one ends the process
 * or fails half loaded on machines that it does not support.
 */
final class CudaDriver {
    private static final String BACKEND = "org/nd4j/linalg/jcublas/JCublasBackend.class";
    private static final int CAPABILITY_MAJOR = 75;
    private static final int CAPABILITY_MINOR = 76;

    /** The part of the driver's API that is needed; numbers are error codes, 0 for none. */
    interface Api extends Library {
        int cuInit(int flags);

        int cuDriverGetVersion(IntByReference version);

        int cuDeviceGetCount(IntByReference count);

        int cuDeviceGet(IntByReference device, int ordinal);

        int cuDeviceGetName(byte[] name, int length, int device);

        int cuDeviceGetAttribute(IntByReference value, int attribute, int device);

        int cuDeviceTotalMem_v2(LongByReference bytes, int device);
    }

    private CudaDriver() {}

    static CudaFindings find() {
        ClassLoader loader = CudaDriver.class.getClassLoader();
        String backend = loader.getResource(BACKEND) == null ? null : "JCublasBackend";
        boolean natives = loader.getResource("org/nd4j/linalg/jcublas/bindings/" + platform()) != null;
        try {
            Api api = Native.load(Platform.isWindows() ? "nvcuda" : "cuda", Api.class);
            require(api.cuInit(0), "cuInit");
            IntByReference version = new IntByReference();
            require(api.cuDriverGetVersion(version), "cuDriverGetVersion");
            return new CudaFindings(backend, natives, null, version.getValue(), gpus(api));
        } catch (UnsatisfiedLinkError | IllegalStateException e) {
            return new CudaFindings(backend, natives, String.valueOf(e.getMessage()).lines().findFirst().orElse(""), 0, List.of());
        }
    }

    private static String platform() {
        String system = Platform.isWindows() ? "windows" : "linux";
        String library = Platform.isWindows() ? "jnind4jcuda.dll" : "libjnind4jcuda.so";
        return system + "-" + (Platform.isARM() ? "arm64" : Platform.isPPC() ? "ppc64le" : "x86_64") + "/" + library;
    }

    private static List<Gpu> gpus(Api api) {
        IntByReference count = new IntByReference();
        require(api.cuDeviceGetCount(count), "cuDeviceGetCount");
        List<Gpu> gpus = new ArrayList<>();
        for (int ordinal = 0; ordinal < count.getValue(); ordinal++) {
            IntByReference device = new IntByReference();
            require(api.cuDeviceGet(device, ordinal), "cuDeviceGet");
            byte[] name = new byte[128];
            require(api.cuDeviceGetName(name, name.length, device.getValue()), "cuDeviceGetName");
            LongByReference bytes = new LongByReference();
            require(api.cuDeviceTotalMem_v2(bytes, device.getValue()), "cuDeviceTotalMem");
            gpus.add(new Gpu(
                    ordinal,
                    new String(name, StandardCharsets.UTF_8).replace("\0", ""),
                    attribute(api, CAPABILITY_MAJOR, device.getValue()),
                    attribute(api, CAPABILITY_MINOR, device.getValue()),
                    bytes.getValue()));
        }
        return gpus;
    }

    private static int attribute(Api api, int attribute, int device) {
        IntByReference value = new IntByReference();
        require(api.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value.getValue();
    }

    private static void require(int code, String call) {
        if (code != 0) {
            throw new IllegalStateException(call + " answers with error " + code);
        }
    }
}
