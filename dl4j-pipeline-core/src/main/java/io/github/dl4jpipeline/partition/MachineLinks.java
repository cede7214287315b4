package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.internal.exception.Given;
import java.time.Duration;

/**
 * What is between machines that are alike. Devices of one machine share memory; those of different machines send over the network.
 * Workers fill one machine after the other, in the order in which a plan counts them.
 *
 * @param devicesPerMachine devices of each machine, which share its link
 * @param bytesPerSecond bandwidth of each machine's link, in each direction at the same time
 * @param latency from sending to arriving of a message without content
 */
public record MachineLinks(int devicesPerMachine, double bytesPerSecond, Duration latency) {
    public MachineLinks {
        Given.notNull("latency of links between machines", latency);
        if (devicesPerMachine < 1 || !(bytesPerSecond > 0) || latency.isNegative()) {
            throw new IllegalArgumentException("Machines need at least 1 device, got " + devicesPerMachine
                    + ", a positive bandwidth, got " + bytesPerSecond
                    + " bytes per second, and a latency of 0 or more, got "
                    + latency);
        }
    }
}
