package io.github.dl4jpipeline.internal.partition;

import java.util.List;

/**
 * A cut of a graph into stages.
 *
 * @param parts the stages, in the order in which activations flow
 * @param bottleneckMillis time per micro-batch of the slowest stage or link, a stage with replicas counting with its share
 */
public record Partition(List<Part> parts, double bottleneckMillis) {

    /**
     * One stage.
     *
     * @param vertices indices of its vertices, in topological order
     * @param group index of the group that its devices are of
     * @param replicas number of its devices
     * @param crossingBytes what is sent over the cut after it for each micro-batch, one way
     */
    public record Part(List<Integer> vertices, int group, int replicas, long crossingBytes) {
        public Part {
            vertices = List.copyOf(vertices);
        }
    }

    public Partition {
        parts = List.copyOf(parts);
    }
}
