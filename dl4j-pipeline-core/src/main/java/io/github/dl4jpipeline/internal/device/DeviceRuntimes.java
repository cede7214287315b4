package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.ServiceLoader;

/** Finds the runtime of a kind of device. */
public final class DeviceRuntimes {
    private DeviceRuntimes() {}

    /**
     * The runtime of a kind of device.
     *
     * @throws DevicesUnavailableException if no module on the class path brings one
     */
    public static DeviceRuntime of(Device.Kind kind) {
        if (kind == Device.Kind.CPU) {
            return SharedMemoryRuntime.INSTANCE;
        }
        for (DeviceRuntime runtime : ServiceLoader.load(DeviceRuntime.class)) {
            if (runtime.kind() == kind) {
                return runtime;
            }
        }
        throw new DevicesUnavailableException("No module for devices of kind " + kind + " is on the class path; add "
                + "io.github.dl4jpipeline:dl4j-pipeline-cuda and nd4j-cuda-11.6 with your platform's classifier, or use"
                + " Devices.cpu()");
    }

    /** Whether a device computes with the host's arrays. */
    public static boolean usesHostArrays(Device device) {
        return of(device).sharesMemory();
    }

    /** The runtime of a device. */
    public static DeviceRuntime of(Device device) {
        return of(device.kind());
    }
}
