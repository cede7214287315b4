package io.github.dl4jpipeline.profile;

/**
 * What the profiled device does together with the others of its machine.
 *
 * <p>Speeds are between {@value #LEAST_SPEED} and {@value #MOST_SPEED}.
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

    private static final double BYTES_PER_MEGABYTE = 1e6;

    static final double LEAST_SPEED = 1e-6;
    static final double MOST_SPEED = 1e6;

    public MachineSpeed {
        if (jointThreads < 1
                || !isTime(jointFixedMillis)
                || !isSpeed(jointSpeed)
                || !isSpeed(sharedSpeed)
                || !isTime(addMillisPerMegabyte)) {
            throw new IllegalArgumentException("A machine's threads must be positive, its speeds between " + LEAST_SPEED
                    + " and " + MOST_SPEED + ", its times between 0 and " + VertexCost.MOST_MILLIS + " ms,"
                    + " got jointThreads " + jointThreads + ", jointFixedMillis " + jointFixedMillis + ", jointSpeed "
                    + jointSpeed + ", sharedSpeed "
                    + sharedSpeed + ", addMillisPerMegabyte " + addMillisPerMegabyte);
        }
    }

    private static boolean isTime(double millis) {
        return millis >= 0 && millis <= VertexCost.MOST_MILLIS;
    }

    private static boolean isSpeed(double speed) {
        return speed >= LEAST_SPEED && speed <= MOST_SPEED;
    }

    /** Whether the devices have been measured together, as those are that share memory. */
    public boolean measuredTogether() {
        return jointThreads > 1;
    }

    /** Time of adding one array to another, for each byte of it. */
    public double addMillisPerByte() {
        return addMillisPerMegabyte / BYTES_PER_MEGABYTE;
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
