package io.github.dl4jpipeline.cli.infer;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code infer --latency --json} writes.
 *
 * @param parameters of the branched network, with running statistics
 * @param medianMillis of the branches in parallel
 * @param speedup of the branches over the original on one core
 * @param speedupOverStock of the branches over the original on one core with Deeplearning4j's own layers
 * @param inputBytes that every branch gets
 * @param activationBytes that the branches send to the classifier
 * @param largestDifference between the output of the branches in parallel and that of the graph, value by value
 * @param projection what one device for each branch would take
 * @param vertices time of each vertex on one core, if asked for
 */
public record LatencyFigures(
        String model,
        int branches,
        long originalParameters,
        long parameters,
        int batch,
        int runs,
        int cores,
        String kernels,
        double medianMillis,
        double speedup,
        double speedupOverStock,
        long inputBytes,
        long activationBytes,
        double largestDifference,
        List<SystemFigures> systems,
        Projection projection,
        List<VertexFigures> vertices) {

    /** One way to run the network. */
    public record SystemFigures(String name, int cores, double medianMillis, double minMillis) {
        static SystemFigures of(MeasuredSystem system) {
            return new SystemFigures(
                    system.name(),
                    system.cores(),
                    system.medianMillis(),
                    system.latencies().minMillis());
        }
    }

    /**
     * The shortest time of a vertex.
     *
     * @param branchMillis of the same vertex in the first branch; null if it has none
     */
    public record VertexFigures(
            String name, double originalMillis, @Nullable Double branchMillis) {}

    /**
     * The time with one device for each branch, if sending costs nothing: that of the slowest branch, run alone on one
     * core, and of the head.
     */
    public record Projection(
            int devices, double slowestBranchMillis, double headMillis, double medianMillis, double speedup) {}
}
