package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.graph.GraphOutline;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * What one vertex costs for the examples of a {@link GraphProfile}. Each time is at most {@value #MOST_MILLIS} ms, each size
 * at most {@value #MOST_BYTES} bytes, so that sums over a profile stay exact.
 *
 * @param vertex its name
 * @param inputs names of the vertices that it reads
 * @param forwardMillis forward time, median
 * @param fixedForwardMillis the part of the forward time that does not grow with the number of examples
 * @param worstForwardMillis forward time at its slowest, alone or with other devices
 * @param backwardMillis backward time, median; for an output vertex with the time of its score
 * @param fixedBackwardMillis the part of the backward time that does not grow with the number of examples
 * @param worstBackwardMillis backward time at its slowest
 * @param weightMillis the part of the backward time that parameter gradients take which can wait for a task of their own
 * @param splitMillis what both parts together take longer than the backward pass in one
 * @param activationBytes size of its output
 * @param parameterBytes size of its parameters
 * @param gradientBytes size of its parameter gradients; 0 where nothing is trained
 * @param updaterBytes size of the updater's state for it
 * @param apartBytes size of the array for the gradients of a second and later micro-batches before they are added; 0 where
 *     the vertex adds to those that it finds
 */
public record VertexCost(
        String vertex,
        List<String> inputs,
        double forwardMillis,
        double fixedForwardMillis,
        double worstForwardMillis,
        double backwardMillis,
        double fixedBackwardMillis,
        double worstBackwardMillis,
        double weightMillis,
        double splitMillis,
        long activationBytes,
        long parameterBytes,
        long gradientBytes,
        long updaterBytes,
        long apartBytes) {

    static final double MOST_MILLIS = 1e12;
    static final long MOST_BYTES = 100_000_000_000_000L;

    public VertexCost {
        if (vertex == null || vertex.isBlank()) {
            throw new IllegalArgumentException(
                    "A vertex needs a name, got " + (vertex == null ? "null" : "a blank one"));
        }
        if (inputs == null || inputs.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': inputs must be names, got " + inputs);
        }
        inputs = List.copyOf(inputs);
        requireTime(vertex, "forwardMillis", forwardMillis);
        requireTime(vertex, "worstForwardMillis", worstForwardMillis);
        requireTime(vertex, "backwardMillis", backwardMillis);
        requireTime(vertex, "worstBackwardMillis", worstBackwardMillis);
        requirePart(vertex, "fixedForwardMillis", fixedForwardMillis, forwardMillis);
        requirePart(vertex, "fixedBackwardMillis", fixedBackwardMillis, backwardMillis);
        requirePart(vertex, "weightMillis", weightMillis, backwardMillis);
        requireTime(vertex, "splitMillis", splitMillis);
        requireBytes(vertex, "activationBytes", activationBytes);
        requireBytes(vertex, "parameterBytes", parameterBytes);
        requireBytes(vertex, "gradientBytes", gradientBytes);
        requireBytes(vertex, "updaterBytes", updaterBytes);
        requireBytes(vertex, "apartBytes", apartBytes);
    }

    /** What the graph of these vertices looks like. */
    public static GraphOutline outline(Collection<VertexCost> costs) {
        return new GraphOutline(costs.stream()
                .map(cost -> new GraphOutline.Part(cost.vertex(), cost.inputs(), cost.parameterBytes()))
                .toList());
    }

    /** A cost that counts gradients of a second and later micro-batches apart, and has none that can wait. */
    public VertexCost(
            String vertex,
            List<String> inputs,
            double forwardMillis,
            double fixedForwardMillis,
            double worstForwardMillis,
            double backwardMillis,
            double fixedBackwardMillis,
            double worstBackwardMillis,
            long activationBytes,
            long parameterBytes,
            long gradientBytes,
            long updaterBytes) {
        this(
                vertex,
                inputs,
                forwardMillis,
                fixedForwardMillis,
                worstForwardMillis,
                backwardMillis,
                fixedBackwardMillis,
                worstBackwardMillis,
                0,
                0,
                activationBytes,
                parameterBytes,
                gradientBytes,
                updaterBytes,
                gradientBytes);
    }

    /** Bytes of parameters, gradients and updater state, where a step has so many micro-batches. */
    public long trainingBytes(int microBatches) {
        return parameterBytes + gradientBytes + updaterBytes + (microBatches > 1 ? apartBytes : 0);
    }

    /**
     * Whether it is computed, so that it belongs to a stage. The others are the network's inputs: they read nothing, take no
     * time, and are there from the start. A vertex that takes time and reads nothing is computed as if it read such an input.
     */
    public boolean movable() {
        return !inputs.isEmpty() || millis() > 0;
    }

    /** Median time of both passes. */
    public double millis() {
        return forwardMillis + backwardMillis;
    }

    /** The part of both passes that does not grow with the number of examples. */
    public double fixedMillis() {
        return fixedForwardMillis + fixedBackwardMillis;
    }

    /** Time of both passes at their slowest. */
    public double worstMillis() {
        return worstForwardMillis + worstBackwardMillis;
    }

    /** The cost for {@code factor} times as many examples. */
    VertexCost times(double factor) {
        double forward = fixedForwardMillis + (forwardMillis - fixedForwardMillis) * factor;
        double backward = fixedBackwardMillis + (backwardMillis - fixedBackwardMillis) * factor;
        return new VertexCost(
                vertex,
                inputs,
                forward,
                fixedForwardMillis,
                forwardMillis == 0 ? 0 : worstForwardMillis * (forward / forwardMillis),
                backward,
                fixedBackwardMillis,
                backwardMillis == 0 ? 0 : worstBackwardMillis * (backward / backwardMillis),
                backwardMillis == 0 ? 0 : Math.min(backward, weightMillis * (backward / backwardMillis)),
                splitMillis * factor,
                Math.round(activationBytes * factor),
                parameterBytes,
                gradientBytes,
                updaterBytes,
                apartBytes);
    }

    private static void requirePart(String vertex, String name, double part, double whole) {
        if (!(part >= 0) || part > whole) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': " + name
                    + " must be between 0 and the whole time, " + whole + ", got " + part);
        }
    }

    private static void requireTime(String vertex, String name, double millis) {
        if (!(millis >= 0)) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be a time of 0 or more, got " + millis);
        }
        if (millis > MOST_MILLIS) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be at most " + MOST_MILLIS + " ms, got " + millis);
        }
    }

    private static void requireBytes(String vertex, String name, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': " + name + " must be 0 or more, got " + bytes);
        }
        if (bytes > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be at most " + MOST_BYTES + " bytes, got " + bytes);
        }
    }
}
