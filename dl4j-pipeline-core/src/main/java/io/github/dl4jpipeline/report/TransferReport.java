package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Transfers;
import java.util.List;
import java.util.Locale;

/**
 * What passes for one purpose from one device to another, as means of all steps.
 *
 * @param route for what, and from where to where
 * @param count how many in a step
 * @param bytes in a step
 * @param millis time of a step's transfers, one after the other, each until it is complete
 */
public record TransferReport(Transfers.Route route, double count, double bytes, double millis) {

    /**
     * The means of all transfers there have been.
     *
     * @param steps over how many the transfers are spread
     */
    public static List<TransferReport> of(Transfers transfers, long steps) {
        return transfers.traffic().stream()
                .map(traffic -> new TransferReport(
                        traffic.route(),
                        (double) traffic.count() / steps,
                        (double) traffic.bytes() / steps,
                        traffic.nanos() / 1e6 / steps))
                .toList();
    }

    /** Whether this passes between stages. */
    public boolean betweenStages() {
        return route.kind() == Transfers.Kind.ACTIVATION || route.kind() == Transfers.Kind.ERROR;
    }

    /** One line for people. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s%s, %s to %s: %.2f MB in %.1f transfers, %.2f ms",
                betweenStages() ? "between stages: " : "",
                route.kind(),
                route.from(),
                route.to(),
                bytes / 1e6,
                count,
                millis);
    }
}
