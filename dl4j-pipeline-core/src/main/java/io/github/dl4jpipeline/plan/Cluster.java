package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.partition.MachineLinks;
import java.time.Duration;

/**
 * Machines that are alike, and the network between them.
 *
 * @param machines how many there are
 * @param cores of each
 * @param memoryBytes of each, for training
 * @param bytesPerSecond bandwidth of each machine's link, in each direction at the same time
 * @param latency from sending to arriving of a message without content
 */
public record Cluster(int machines, int cores, long memoryBytes, double bytesPerSecond, Duration latency) {
    /** The most machines, and the most cores of one. */
    public static final int MOST = 1_024;

    public Cluster {
        requireBetween("machines", machines);
        requireBetween("cores", cores);
        if (memoryBytes < 1) {
            throw new IllegalArgumentException("The memory of a machine must be at least 1 byte, got " + memoryBytes);
        }
        links(1, bytesPerSecond, latency);
    }

    private static void requireBetween(String name, int value) {
        if (value < 1 || value > MOST) {
            throw new IllegalArgumentException(
                    "The " + name + " of a cluster must be between 1 and " + MOST + ", got " + value);
        }
    }

    /** The same with another number of machines. */
    Cluster of(int otherMachines) {
        return new Cluster(otherMachines, cores, memoryBytes, bytesPerSecond, latency);
    }

    /** Its links, where each machine has so many workers. */
    MachineLinks links(int workersPerMachine) {
        return links(workersPerMachine, bytesPerSecond, latency);
    }

    private static MachineLinks links(int workersPerMachine, double bytesPerSecond, Duration latency) {
        return new MachineLinks(workersPerMachine, bytesPerSecond, latency);
    }
}
