package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The physical memory of processes, as Linux counts it. */
final class ResidentMemory {
    private static final String SELF = "self";

    private ResidentMemory() {}

    /** What there is now. */
    static long bytes() {
        return status(SELF, "VmRSS");
    }

    /** What another process has; 0 if it has ended. */
    static long bytes(long process) {
        try {
            return status(String.valueOf(process), "VmRSS");
        } catch (UncheckedIOException | IllegalStateException e) { // while it ends it has no such line
            return 0;
        }
    }

    /** The most that there has been. */
    static long peakBytes() {
        return status(SELF, "VmHWM");
    }

    private static long status(String process, String key) {
        Path file = Path.of("/proc", process, "status");
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(key + ":"))
                    .map(line -> line.replaceAll("\\D", ""))
                    .mapToLong(kilobytes -> 1024 * Long.parseLong(kilobytes))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException(file + " has no line " + key));
        } catch (IOException e) {
            throw new UncheckedIOException("Resident memory is read from " + file + ", which Linux has", e);
        }
    }
}
