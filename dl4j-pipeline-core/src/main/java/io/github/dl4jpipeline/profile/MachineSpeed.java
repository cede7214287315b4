package io.github.dl4jpipeline.profile;

/**
 * What the profiled device does together with the others of its machine.
 *
 * @param jointThreads number of threads of all devices together; 1 where it is not known
 * @param jointSpeed speed of the whole graph on all devices' cores as one device, with as many threads for an operation,
 *     in units of the profiled device
 * @param sharedSpeed speed of the profiled device while all others do the same, in units of the device alone: they share
 *     caches and memory
 * @param addMillisPerMegabyte time that the device takes to add one array to another, for each megabyte of it
 */
public record MachineSpeed(int jointThreads, double jointSpeed, double sharedSpeed, double addMillisPerMegabyte) {

    /** Nothing is known: devices do not disturb each other, and one has no use for the cores of the others. */
    public static final MachineSpeed UNKNOWN = new MachineSpeed(1, 1, 1, 0);

    public MachineSpeed {
        if (jointThreads < 1 || !(jointSpeed > 0) || !(sharedSpeed > 0) || !(addMillisPerMegabyte >= 0)) {
            throw new IllegalArgumentException("A machine's threads and speeds must be positive, its time to add 0 or"
                    + " more, got jointThreads " + jointThreads + ", jointSpeed " + jointSpeed + ", sharedSpeed "
                    + sharedSpeed + ", addMillisPerMegabyte " + addMillisPerMegabyte);
        }
    }
}
