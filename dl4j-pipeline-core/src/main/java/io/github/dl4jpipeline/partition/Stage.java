package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import java.util.List;

/**
 * One stage of a plan.
 *
 * @param vertices names of its vertices, in topological order
 * @param device where it runs
 * @param replicas how many copies of it share its micro-batches
 * @param forwardMillis predicted time of one forward task
 * @param backwardMillis predicted time of one backward task
 * @param sentBytes activations of one micro-batch that it hands to later stages
 * @param memoryBytes estimate of parameters, gradients, updater state and activations in flight
 */
public record Stage(
        List<String> vertices,
        Device device,
        int replicas,
        double forwardMillis,
        double backwardMillis,
        long sentBytes,
        long memoryBytes) {

    public Stage {
        vertices = List.copyOf(vertices);
        if (vertices.isEmpty()) {
            throw new IllegalArgumentException("A stage needs at least one vertex");
        }
        if (replicas != 1) {
            throw new IllegalArgumentException("A stage has exactly one replica, got " + replicas);
        }
    }

    /** A stage whose times are not known. */
    public static Stage of(Device device, List<String> vertices) {
        return new Stage(vertices, device, 1, 0, 0, 0, 0);
    }
}
