package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.partition.MachineLinks;
import java.util.Optional;

/**
 * How fast devices pass bytes to each other.
 *
 * @param bytesPerMilli bandwidth of each device's link, or of each machine's; infinite where devices share memory
 * @param syncMillisPerByte time of adding up gradients over replicas, once a step, for each byte of them; over those of one
 *     machine if there are several
 * @param machines what is between machines; empty if each device has a link of its own
 */
public record LinkTimes(double bytesPerMilli, double syncMillisPerByte, Optional<MachineLinks> machines) {
    /** Nothing takes time. */
    public static final LinkTimes NONE = new LinkTimes(Double.POSITIVE_INFINITY, 0);

    /** Each device has a link of its own. */
    public LinkTimes(double bytesPerMilli, double syncMillisPerByte) {
        this(bytesPerMilli, syncMillisPerByte, Optional.empty());
    }

    /** Only machines have links. */
    public static LinkTimes between(MachineLinks machines, double addMillisPerByte) {
        return new LinkTimes(machines.bytesPerSecond() / 1_000, addMillisPerByte, Optional.of(machines));
    }

    /** Workers of one machine. */
    private int together() {
        return machines.map(MachineLinks::devicesPerMachine).orElse(1);
    }

    /** The machine of a worker. */
    private int machine(int worker) {
        return worker / together();
    }

    /** How many of some workers that follow each other are in the machine that has most of them. */
    private int mostInOne(int first, int count) {
        int most = 0;
        for (int machine = machine(first); machine <= machine(first + count - 1); machine++) {
            most = Math.max(most, inMachine(machine, first, count));
        }
        return most;
    }

    private int inMachine(int machine, int first, int count) {
        int from = Math.max(first, machine * together());
        int to = Math.min(first + count, (machine + 1) * together());
        return Math.max(0, to - from);
    }

    /**
     * Time for a stage's link to send one micro-batch to the next stage. Nothing is sent within a machine.
     *
     * @param first the first worker of the stage; those of its replicas follow, then those of the next stage
     */
    public double sendMillis(double bytes, int first, int replicas, int nextReplicas) {
        if (isInOneMachine(first, replicas + nextReplicas)) {
            return 0;
        }
        int sharing = Math.max(mostInOne(first, replicas), mostInOne(first + replicas, nextReplicas));
        return bytes / bytesPerMilli * sharing;
    }

    /** Time from the end of sending to arriving there. */
    public double latencyMillis(int first, int workers) {
        return isInOneMachine(first, workers)
                ? 0
                : machines.map(links -> links.latency().toNanos() / 1e6).orElse(0.0);
    }

    private boolean isInOneMachine(int first, int workers) {
        return machines.isPresent() && machine(first) == machine(first + workers - 1);
    }

    /** Time of the link of a stage for one micro-batch both ways, wherever its workers are. */
    double bothWaysMillis(double bytes, int replicas) {
        int sending = (replicas + together() - 1) / together();
        return 2 * bytes / bytesPerMilli / sending;
    }

    /** Time of adding up gradients over replicas, wherever they are. */
    double syncMillis(double bytes, int replicas) {
        return syncMillis(bytes, 0, replicas);
    }

    /**
     * The same for the workers of a stage. Each replica sends every other the part of the gradients that the other adds up, and then
     * what it has made of its own part.
     */
    public double syncMillis(double bytes, int first, int replicas) {
        double adding = syncMillisPerByte * bytes * (replicas - 1) / replicas;
        if (machines.isEmpty() || isInOneMachine(first, replicas)) {
            return adding;
        }
        double most = 0;
        for (int machine = machine(first); machine <= machine(first + replicas - 1); machine++) {
            int here = inMachine(machine, first, replicas);
            most = Math.max(most, 2.0 * here * (replicas - here) / replicas);
        }
        return adding + most * bytes / bytesPerMilli + 2 * latencyMillis(first, replicas);
    }
}
