package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import java.util.List;

/** All cores of some CPU devices as one device, whose operations use them all; GPUs cannot be joined. */
public final class JointDevice {
    private JointDevice() {}

    /** The device; the first, where there is only one or they are GPUs. */
    public static Device of(Devices devices) {
        Device first = devices.get(0);
        if (devices.size() == 1 || first.kind() != Device.Kind.CPU) {
            return first;
        }
        List<Integer> cores = devices.list().stream()
                .flatMap(device -> device.cores().stream())
                .distinct()
                .toList();
        long memory = devices.list().stream()
                .mapToLong(Device::memoryBytes)
                .reduce(0, (sum, next) -> sum > Long.MAX_VALUE - next ? Long.MAX_VALUE : sum + next);
        return new Device("cpu", first.kind(), cores, memory, first.relativeSpeed());
    }
}
