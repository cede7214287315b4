package io.github.dl4jpipeline.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Asks the NVIDIA driver itself what there is, before any class of ND4J's CUDA backend is loaded: that one ends the process
 * or stays half loaded on machines that it does not support.
 */
final class CudaDriver {
    private static final int SUCCESS = 0;
    private static final int NO_DEVICE = 100;
    private static final int CAPABILITY_MAJOR = 75;
    private static final int CAPABILITY_MINOR = 76;
    private static final int NAME_BYTES = 256;

    /** The part of the driver's API that is needed. Each function returns an error code, 0 for none. */
    interface Api extends Library {
        int cuDriverGetVersion(IntByReference version);

        int cuInit(int flags);

        int cuDeviceGetCount(IntByReference count);

        int cuDeviceGet(IntByReference device, int ordinal);

        int cuDeviceGetName(byte[] name, int length, int device);

        int cuDeviceGetAttribute(IntByReference value, int attribute, int device);

        int cuDeviceTotalMem_v2(LongByReference bytes, int device);
    }

    /** A function of the driver has returned an error. */
    private static final class CallFailedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        CallFailedException(String function, int code) {
            super("the NVIDIA driver answers " + function + " with error " + code);
        }
    }

    private CudaDriver() {}

    static DriverFindings ask() {
        return ask(() -> Native.load(Platform.isWindows() ? "nvcuda" : "libcuda.so.1", Api.class));
    }

    /** @param library loads the driver's library; a {@link LinkageError} says that there is none */
    static DriverFindings ask(Supplier<Api> library) {
        try {
            Api api = library.get();
            IntByReference version = new IntByReference();
            require(api.cuDriverGetVersion(version), "cuDriverGetVersion");
            int code = api.cuInit(0);
            if (code == NO_DEVICE) {
                return new DriverFindings(null, version.getValue(), List.of());
            }
            require(code, "cuInit");
            return new DriverFindings(null, version.getValue(), gpus(api));
        } catch (LinkageError e) {
            String reason = String.valueOf(e.getMessage())
                    .lines()
                    .findFirst()
                    .orElse("")
                    .replaceFirst(":$", "");
            return DriverFindings.failed("there is no NVIDIA driver: " + reason);
        } catch (CallFailedException e) {
            return DriverFindings.failed(e.getMessage());
        }
    }

    private static List<Gpu> gpus(Api api) {
        IntByReference count = new IntByReference();
        require(api.cuDeviceGetCount(count), "cuDeviceGetCount");
        List<Gpu> gpus = new ArrayList<>();
        for (int ordinal = 0; ordinal < count.getValue(); ordinal++) {
            gpus.add(gpu(api, ordinal));
        }
        return gpus;
    }

    private static Gpu gpu(Api api, int ordinal) {
        IntByReference handle = new IntByReference();
        require(api.cuDeviceGet(handle, ordinal), "cuDeviceGet");
        int device = handle.getValue();
        byte[] name = new byte[NAME_BYTES];
        require(api.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
        LongByReference bytes = new LongByReference();
        require(api.cuDeviceTotalMem_v2(bytes, device), "cuDeviceTotalMem_v2");
        return new Gpu(
                ordinal,
                Native.toString(name),
                attribute(api, CAPABILITY_MAJOR, device),
                attribute(api, CAPABILITY_MINOR, device),
                bytes.getValue());
    }

    private static int attribute(Api api, int attribute, int device) {
        IntByReference value = new IntByReference();
        require(api.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value.getValue();
    }

    private static void require(int code, String function) {
        if (code != SUCCESS) {
            throw new CallFailedException(function, code);
        }
    }
}
