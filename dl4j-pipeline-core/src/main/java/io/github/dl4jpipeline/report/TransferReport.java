package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Transfers;
import java.util.List;
import java.util.Locale;

/**
 * What is copied for one purpose from one place to another, as means of all steps. A place is a device's id, or {@code host}.
 *
 * @param kind activations and errors are what passes between stages; everything else is copied for other reasons
 * @param copies how many in a step
 * @param bytes in a step
 * @param millis time of a step's copies, one after the other, each until it is complete
 */
public record CopyReport(Transfers.Kind kind, String from, String to, double copies, double bytes, double millis) {

    /**
     * The means of all copies there have been.
     *
     * @param steps over how many the copies are spread
     */
    public static List<CopyReport> of(Transfers transfers, long steps) {
        return transfers.traffic().stream()
                .map(traffic -> new CopyReport(
                        traffic.kind(),
                        traffic.from(),
                        traffic.to(),
                        (double) traffic.copies() / steps,
                        (double) traffic.bytes() / steps,
                        traffic.nanos() / 1e6 / steps))
                .toList();
    }

    /** Whether this passes between stages. */
    public boolean betweenStages() {
        return kind == Transfers.Kind.ACTIVATION || kind == Transfers.Kind.ERROR;
    }

    /** One line for people. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s%s, %s to %s: %.2f MB in %.1f copies, %.2f ms",
                betweenStages() ? "between stages: " : "",
                kind,
                from,
                to,
                bytes / 1e6,
                copies,
                millis);
    }
}
