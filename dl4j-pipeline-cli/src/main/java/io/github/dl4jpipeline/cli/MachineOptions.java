package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.plan.Cluster;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Machines in place of the devices of one machine. */
final class MachineOptions {
    private static final double BYTES_PER_GIGABIT = 1.25e8;

    @Option(
            names = "--machines",
            paramLabel = "N,N,…",
            split = ",",
            description = "Plan for so many machines with a network between them, in place of devices. --bandwidth and"
                    + " --memory are then those of each machine; `plan` takes one number.")
    private List<Integer> machines = List.of();

    @Option(names = "--cores", paramLabel = "N", description = "Cores of each machine. Default: 1.")
    private @Nullable Integer cores;

    @Option(
            names = "--latency",
            paramLabel = "MS",
            description = "Time of an empty message from machine to machine, in milliseconds. Default: 0.")
    private @Nullable Double latency;

    /** Whether machines are asked for. */
    boolean given() {
        if (machines.isEmpty() && (cores != null || latency != null)) {
            throw new InputException(
                    (cores != null ? "--cores" : "--latency") + " is for --machines, which is missing");
        }
        return !machines.isEmpty();
    }

    /** The numbers of machines. */
    List<Integer> numbers() {
        return machines;
    }

    /** The cluster of so many machines. */
    Cluster of(int number, double bytesPerSecond, @Nullable Long memoryBytes) {
        double millis = latency == null ? 0 : latency;
        if (!(millis >= 0 && millis <= 60_000)) {
            throw new InputException("--latency must be between 0 and 60000 ms, got " + latency);
        }
        try {
            return new Cluster(
                    number,
                    cores == null ? 1 : cores,
                    memoryBytes == null ? Long.MAX_VALUE : memoryBytes,
                    bytesPerSecond,
                    Duration.ofNanos(Math.round(millis * 1e6)));
        } catch (IllegalArgumentException e) {
            throw new InputException("--machines " + number + ": " + e.getMessage(), e);
        }
    }

    /** Bytes in a second, such as {@code 1e9}, or with a unit: {@code 10gbit}. */
    static double bytesPerSecond(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        boolean gigabits = lower.endsWith("gbit");
        try {
            double value = Double.parseDouble(gigabits ? lower.substring(0, lower.length() - 4) : lower);
            return gigabits ? value * BYTES_PER_GIGABIT : value;
        } catch (NumberFormatException e) {
            throw new InputException(
                    "--bandwidth must be a number of bytes a second, such as 1e9 or 10gbit, or inf, got " + text, e);
        }
    }
}
