package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The physical memory of this process, as Linux counts it. */
final class ResidentMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ResidentMemory() {}

    /** What there is now. */
    static long bytes() {
        return status("VmRSS");
    }

    /** The most that there has been. */
    static long peakBytes() {
        return status("VmHWM");
    }

    private static long status(String key) {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith(key + ":"))
                    .map(line -> line.replaceAll("\\D", ""))
                    .mapToLong(kilobytes -> 1024 * Long.parseLong(kilobytes))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException(STATUS + " has no line " + key));
        } catch (IOException e) {
            throw new UncheckedIOException("Resident memory is read from " + STATUS + ", which Linux has", e);
        }
    }
}
