package io.github.dl4jpipeline.device;

import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import io.github.dl4jpipeline.internal.device.CpuCores;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.exception.Given;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The devices that a graph is trained on, in the order in which stages are placed on them.
 *
 * <pre>{@code
 * Devices.cpu()     // one device per core of this process
 * Devices.cpu(2)    // all cores of this process, in two sets
 * }</pre>
 *
 * @param list the devices, at least one, with distinct ids
 */
public record Devices(List<Device> list) {
    private static final int MOST = 65_536;

    public Devices {
        list = Given.list("Devices", list);
        if (list.isEmpty()) {
            throw new IllegalArgumentException("At least one device is needed; Devices.cpu() takes every core");
        }
        Set<String> ids = new HashSet<>();
        for (Device device : list) {
            if (!ids.add(device.id())) {
                throw new IllegalArgumentException("Two devices have the id " + device.id() + "; ids must differ");
            }
            Device first = list.get(0);
            if (device.kind() != first.kind()) {
                throw new IllegalArgumentException("Devices " + first.id() + " (" + first.kind() + ") and "
                        + device.id()
                        + " (" + device.kind() + ") cannot train one graph: ND4J has one backend in a process; use"
                        + " devices of one kind");
            }
        }
    }

    /** One device for each core that this process may use. */
    public static Devices cpu() {
        return cpu(CpuCores.ofThisProcess().size());
    }

    /**
     * The cores that this process may use, split into {@code count} sets that differ by at most one core.
     *
     * <p>With more devices than cores, several devices share a core: correct, but not faster. Plans count on all
     * devices at the same time. So {@code build} of a pipeline refuses them unless that many stages and replicas are
     * asked for.
     *
     * <p>Each has an equal part of the memory of the machine or container. ND4J's own limit on arrays, by default the
     * maximum of the Java heap, is not known to plans; {@code -Dorg.bytedeco.javacpp.maxbytes} raises it.
     *
     * @throws IllegalArgumentException if {@code count} is less than 1, or more than any machine has
     */
    public static Devices cpu(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("Number of CPU devices must be at least 1, got " + count);
        }
        if (count > MOST) {
            throw new IllegalArgumentException("Number of CPU devices must be at most " + MOST + ", got " + count);
        }
        return new Devices(CpuCores.devices(count));
    }

    /**
     * All GPUs of this machine that can be used.
     *
     * @throws DevicesUnavailableException if there is none; the message says what was found, and what is needed
     */
    public static Devices gpu() {
        return new Devices(DeviceRuntimes.of(Device.Kind.GPU).devices());
    }

    /**
     * The first {@code count} GPUs of this machine.
     *
     * @throws DevicesUnavailableException if there are fewer; the message says what was found, and what is needed
     */
    public static Devices gpu(int count) {
        Devices all = gpu();
        if (count < 1 || count > all.size()) {
            throw new DevicesUnavailableException("Asked for " + count + " GPUs, but this machine has "
                    + all.list().stream().map(Device::id).toList()
                    + ". What runs instead: Devices.gpu(" + all.size() + "), or Devices.cpu() with nd4j-native");
        }
        return new Devices(all.list().subList(0, count));
    }

    /** These devices, in this order. */
    public static Devices of(Device... devices) {
        return new Devices(Arrays.asList(Given.notNull("Devices", devices)));
    }

    /** Whether they are CPU devices of which some have to take turns: there are more than cores of this process in them. */
    public boolean shareCores() {
        if (get(0).kind() != Device.Kind.CPU) {
            return false;
        }
        long cores = list.stream()
                .flatMap(device -> device.cores().stream())
                .filter(CpuCores.ofThisProcess()::contains)
                .distinct()
                .count();
        return size() > cores;
    }

    public int size() {
        return list.size();
    }

    /** The device at {@code index}, counted from 0. */
    public Device get(int index) {
        return list.get(index);
    }
}
