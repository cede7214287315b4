package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.Locale;

/** Lays a profile out as a table. */
final class ProfileTable {
    private ProfileTable() {}

    static String of(GraphProfile profile) {
        TextTable table = new TextTable("vertex", "forward", "backward", "share", "activations", "parameters");
        for (VertexCost cost : profile.vertices()) {
            table.row(
                    cost.vertex(),
                    format("%.2f ms", cost.forwardMillis()),
                    format("%.2f ms", cost.backwardMillis()),
                    format("%.1f %%", 100 * cost.millis() / profile.totalMillis()),
                    format("%.2f MB", cost.activationBytes() / 1e6),
                    format("%.2f MB", cost.parameterBytes() / 1e6));
        }
        return table
                + format(
                        "%.1f ms for %d images on %s, median of %d runs%n",
                        profile.totalMillis(), profile.examples(), profile.device(), profile.repetitions());
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
