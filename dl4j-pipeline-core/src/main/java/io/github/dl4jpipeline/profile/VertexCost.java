package io.github.dl4jpipeline.profile;

import java.util.List;

/**
 * What one vertex costs for the examples of a {@link GraphProfile}.
 *
 * @param vertex its name
 * @param inputs names of the vertices that it reads
 * @param forwardMillis forward time, median
 * @param worstForwardMillis forward time, longest seen
 * @param backwardMillis backward time, median; for an output vertex with the time of its score
 * @param worstBackwardMillis backward time, longest seen
 * @param activationBytes size of its output
 * @param parameterBytes size of its parameters
 * @param gradientBytes size of its parameter gradients; 0 where nothing is trained
 * @param updaterBytes size of the updater's state for it
 */
public record VertexCost(
        String vertex,
        List<String> inputs,
        double forwardMillis,
        double worstForwardMillis,
        double backwardMillis,
        double worstBackwardMillis,
        long activationBytes,
        long parameterBytes,
        long gradientBytes,
        long updaterBytes) {

    public VertexCost {
        inputs = List.copyOf(inputs);
        requireTime(vertex, "forwardMillis", forwardMillis);
        requireTime(vertex, "worstForwardMillis", worstForwardMillis);
        requireTime(vertex, "backwardMillis", backwardMillis);
        requireTime(vertex, "worstBackwardMillis", worstBackwardMillis);
        requireBytes(vertex, "activationBytes", activationBytes);
        requireBytes(vertex, "parameterBytes", parameterBytes);
        requireBytes(vertex, "gradientBytes", gradientBytes);
        requireBytes(vertex, "updaterBytes", updaterBytes);
    }

    /** Median time of both passes. */
    public double millis() {
        return forwardMillis + backwardMillis;
    }

    private static void requireTime(String vertex, String name, double millis) {
        if (!(millis >= 0) || Double.isInfinite(millis)) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be a time of 0 or more, got " + millis);
        }
    }

    private static void requireBytes(String vertex, String name, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': " + name + " must be 0 or more, got " + bytes);
        }
    }
}
