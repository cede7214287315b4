package io.github.dl4jpipeline.device;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.List;

/**
 * One device that a stage can run on.
 *
 * @param id name in plans, reports and errors, such as {@code cpu-0}
 * @param kind what sort of device this is
 * @param cores the operating system's numbers of its cores; their count is the number of threads of a stage on it. A GPU
 *     needs none
 * @param memoryBytes the memory that arrays of its stages may take
 * @param relativeSpeed speed in units of the device that profiles are measured on; 2 is twice as fast
 */
public record Device(String id, Kind kind, List<Integer> cores, long memoryBytes, double relativeSpeed) {

    /** What sort of device this is. */
    public enum Kind {
        /** Cores of this machine, which share its memory. */
        CPU,
        /** A graphics card, with memory of its own. */
        GPU
    }

    public Device {
        Given.notNull("id of a device", id);
        Given.notNull("kind of device " + id, kind);
        cores = Given.list("cores of device " + id, cores);
        if (id.isBlank()) {
            throw new IllegalArgumentException("A device needs an id, got a blank one");
        }
        if (cores.isEmpty() && kind == Kind.CPU) {
            throw new IllegalArgumentException("Device " + id + " has no cores; a CPU device needs at least one");
        }
        if (memoryBytes <= 0) {
            throw new IllegalArgumentException("Device " + id + ": memory must be positive, got " + memoryBytes + " B");
        }
        if (!(relativeSpeed > 0) || Double.isInfinite(relativeSpeed)) {
            throw new IllegalArgumentException(
                    "Device " + id + ": relative speed must be a positive number, got " + relativeSpeed);
        }
    }

    /** The number of threads that one operation on this device uses. */
    public int threads() {
        return Math.max(1, cores.size());
    }

    /** The first of its cores as a device; the same where there is no more. */
    public Device firstCore() {
        return cores.size() < 2 ? this : new Device(id, kind, cores.subList(0, 1), memoryBytes, relativeSpeed);
    }

    /** The same device, {@code factor} times as fast. */
    public Device withRelativeSpeed(double factor) {
        return new Device(id, kind, cores, memoryBytes, factor);
    }
}
