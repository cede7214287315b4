package io.github.dl4jpipeline.examples.infer;

import java.util.List;

/**
 * What {@code infer --latency --json} writes.
 *
 * @param parameters of the branched network, with running statistics
 * @param medianMillis of the branches in parallel
 * @param speedup of the branches over the original on one core
 * @param inputBytes that every branch gets
 * @param activationBytes that the branches send to the classifier
 * @param largestDifference between the output of the branches in parallel and that of the graph, value by value
 * @param projection what one device for each branch would take
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
        long inputBytes,
        long activationBytes,
        double largestDifference,
        List<SystemFigures> systems,
        Projection projection) {

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
     * The time with one device for each branch, if sending costs nothing: that of the slowest branch, run alone on one
     * core, and of the head.
     */
    public record Projection(
            int devices, double slowestBranchMillis, double headMillis, double medianMillis, double speedup) {}
}
