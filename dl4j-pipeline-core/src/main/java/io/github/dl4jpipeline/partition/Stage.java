package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.exception.Given;
import java.util.List;

/**
 * One stage of a plan. Made by {@link #of}; the methods that follow change one thing each, so that nothing else names all that
 * a stage has.
 *
 * @param vertices names of its vertices, in topological order
 * @param devices where its replicas run, one device for each; they take micro-batches in turn
 * @param forwardMillis predicted time of one forward task
 * @param backwardMillis predicted time of one backward task
 * @param sentBytes activations of one micro-batch that cross the cut after it; those of earlier stages are among them if
 *     later ones read them
 * @param memoryBytes estimate for each replica: parameters, gradients, updater state and activations in flight, without
 *     the network's inputs
 * @param recompute whether a backward task computes the stage's activations again; then only what other stages read
 *     is kept from the forward task [Chen et al., "Training deep nets with sublinear memory cost", 2016]
 * @param grouped how many micro-batches the dense layers at the end of the network run as one, where it is the last stage
 */
public record Stage(
        List<String> vertices,
        List<Device> devices,
        double forwardMillis,
        double backwardMillis,
        long sentBytes,
        long memoryBytes,
        boolean recompute,
        int grouped) {

    public Stage {
        vertices = Given.list("vertices of a stage", vertices);
        devices = Given.list("devices of a stage", devices);
        if (vertices.isEmpty()) {
            throw new IllegalArgumentException("A stage needs at least one vertex");
        }
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("A stage needs at least one device");
        }
        if (grouped < 1) {
            throw new IllegalArgumentException("A stage runs at least 1 micro-batch as one, got " + grouped);
        }
    }

    /** A stage that nothing is predicted for, with a replica on each device. */
    public static Stage of(List<Device> devices, List<String> vertices) {
        return new Stage(vertices, devices, 0, 0, 0, 0, false, 1);
    }

    /** A stage with one replica that nothing is predicted for. */
    public static Stage of(Device device, List<String> vertices) {
        return of(List.of(Given.notNull("device of a stage", device)), vertices);
    }

    /** The same stage on other devices. */
    public Stage on(List<Device> others) {
        return new Stage(vertices, others, forwardMillis, backwardMillis, sentBytes, memoryBytes, recompute, grouped);
    }

    /** The same stage, which computes its activations again in backward tasks. */
    public Stage recomputing() {
        return new Stage(vertices, devices, forwardMillis, backwardMillis, sentBytes, memoryBytes, true, grouped);
    }

    /** The same stage, whose dense layers at the end of the network run so many micro-batches as one. */
    public Stage grouping(int microBatches) {
        return new Stage(
                vertices, devices, forwardMillis, backwardMillis, sentBytes, memoryBytes, recompute, microBatches);
    }

    /** The same stage with other times of its tasks. */
    public Stage withMillis(double forward, double backward) {
        return new Stage(vertices, devices, forward, backward, sentBytes, memoryBytes, recompute, grouped);
    }

    /** The same stage with another size of what it sends. */
    public Stage withSentBytes(long bytes) {
        return new Stage(vertices, devices, forwardMillis, backwardMillis, bytes, memoryBytes, recompute, grouped);
    }

    /** The same stage with another estimate of its memory. */
    public Stage withMemoryBytes(long bytes) {
        return new Stage(vertices, devices, forwardMillis, backwardMillis, sentBytes, bytes, recompute, grouped);
    }

    /** The same stage without predictions. */
    public Stage withoutPredictions() {
        Stage plain = of(devices, vertices).grouping(grouped);
        return recompute ? plain.recomputing() : plain;
    }

    /** The device of the first replica. */
    public Device device() {
        return devices.get(0);
    }

    /** How many copies of it share its micro-batches. */
    public int replicas() {
        return devices.size();
    }
}
