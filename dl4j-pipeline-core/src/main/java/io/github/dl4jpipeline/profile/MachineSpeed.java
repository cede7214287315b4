package io.github.dl4jpipeline.profile;

/**
 * What the profiled device does together with the others of its machine.
 *
 * @param jointThreads number of threads of all devices together; 1 where it is not known
 * @param jointFixedMillis on all devices' cores as one device, with as many threads for an operation: the part of the whole
 *     graph's time that does not grow with the number of examples
 * @param jointSpeed speed of the part that grows, in units of the profiled device
 * @param sharedSpeed speed of the slowest device while all do the same, in units of the profiled device alone: they share
 *     caches and memory, and those that are done wait for the others
 * @param addMillisPerMegabyte time that the device takes to add one array to another, for each megabyte of it
 */
public record MachineSpeed(
        int jointThreads, double jointFixedMillis, double jointSpeed, double sharedSpeed, double addMillisPerMegabyte) {

    /** Nothing is known: devices do not disturb each other, and one has no use for the cores of the others. */
    public static final MachineSpeed UNKNOWN = new MachineSpeed(1, 0, 1, 1, 0);

    public MachineSpeed {
        if (jointThreads < 1
                || !(jointFixedMillis >= 0)
                || !(jointSpeed > 0)
                || !(sharedSpeed > 0)
                || !(addMillisPerMegabyte >= 0)) {
            throw new IllegalArgumentException("A machine's threads and speeds must be positive, its times 0 or more,"
                    + " got jointThreads " + jointThreads + ", jointFixedMillis " + jointFixedMillis + ", jointSpeed "
                    + jointSpeed + ", sharedSpeed "
                    + sharedSpeed + ", addMillisPerMegabyte " + addMillisPerMegabyte);
        }
    }

    /** What is left of it on devices with caches and memory of their own. */
    MachineSpeed ofSeparateDevices() {
        return new MachineSpeed(
                UNKNOWN.jointThreads,
                UNKNOWN.jointFixedMillis,
                UNKNOWN.jointSpeed,
                UNKNOWN.sharedSpeed,
                addMillisPerMegabyte);
    }
}
