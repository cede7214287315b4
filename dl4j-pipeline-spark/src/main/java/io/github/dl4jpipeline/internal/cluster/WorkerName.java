package io.github.dl4jpipeline.internal.cluster;

import java.nio.charset.StandardCharsets;

/**
 * Where a worker is, for messages.
 *
 * @param place stage and replica
 * @param machine the name or address of its machine
 * @param executor the executor's number, as Spark counts; empty if there is none
 * @param process the number of its process there
 */
public record WorkerName(String place, String machine, String executor, long process) {
    private static final String SEPARATOR = "\t";

    /** One line, without line breaks. */
    public String line() {
        return String.join(SEPARATOR, place, machine, executor, Long.toString(process));
    }

    /** What {@link #line} has written. */
    public static WorkerName of(String line) {
        String[] parts = line.split(SEPARATOR, -1);
        if (parts.length != 4) {
            throw new IllegalArgumentException("This is no worker: " + line);
        }
        return new WorkerName(parts[0], parts[1], parts[2], Long.parseLong(parts[3]));
    }

    byte[] bytes() {
        return line().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return place + " on machine " + machine + " (" + (executor.isEmpty() ? "" : "executor " + executor + ", ")
                + "process " + process + ")";
    }
}
