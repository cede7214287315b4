package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.infer.LatencyFigures;
import io.github.dl4jpipeline.cli.infer.LatencyFigures.Projection;
import io.github.dl4jpipeline.cli.infer.LatencyFigures.VertexFigures;
import io.github.dl4jpipeline.internal.partition.TextTable;
import java.util.Locale;

/** The time to an answer, for people. */
final class LatencyTable {
    private LatencyTable() {}

    static String of(LatencyFigures figures) {
        TextTable table = new TextTable("system", "cores", "median", "fastest");
        figures.systems()
                .forEach(system -> table.row(
                        system.name(),
                        String.valueOf(system.cores()),
                        millis(system.medianMillis()),
                        millis(system.minMillis())));
        Projection projection = figures.projection();
        return String.format(
                        Locale.ROOT,
                        "%s, %,d parameters, in %d branches %,d; batch %d, %d runs of each in turn, %d cores, %s kernels%n",
                        figures.model(),
                        figures.originalParameters(),
                        figures.branches(),
                        figures.parameters(),
                        figures.batch(),
                        figures.runs(),
                        figures.cores(),
                        figures.kernels())
                + table
                + String.format(
                        Locale.ROOT,
                        "%d branches on %d cores: %.2f times as fast as the original on one core, %.2f times as fast as"
                                + " with Deeplearning4j's layers%n"
                                + "Exchanged for a batch: input %,d bytes, activations %,d bytes. Largest difference from"
                                + " the graph's output: %.1e%n"
                                + "Projection for %d devices, without the time to send: slowest branch and head %s, %.2f"
                                + " times as fast%n",
                        figures.branches(),
                        figures.cores(),
                        figures.speedup(),
                        figures.speedupOverStock(),
                        figures.inputBytes(),
                        figures.activationBytes(),
                        figures.largestDifference(),
                        projection.devices(),
                        millis(projection.medianMillis()),
                        projection.speedup());
    }

    /** The times of vertices, for people. */
    static String ofVertices(LatencyFigures figures) {
        TextTable table = new TextTable("vertex, on one core", "original", "branch 0");
        double originalMillis = 0;
        double branchMillis = 0;
        for (VertexFigures vertex : figures.vertices()) {
            Double inBranch = vertex.branchMillis();
            table.row(vertex.name(), millis(vertex.originalMillis()), inBranch == null ? "" : millis(inBranch));
            originalMillis += vertex.originalMillis();
            branchMillis += inBranch == null ? 0 : inBranch;
        }
        return table.row("sum", millis(originalMillis), millis(branchMillis)).toString();
    }

    private static String millis(double millis) {
        return String.format(Locale.ROOT, "%.2f ms", millis);
    }
}
