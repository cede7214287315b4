package io.github.dl4jpipeline.graph;

import java.util.List;

/**
 * One vertex of a computation graph.
 *
 * @param name its name in the configuration
 * @param position its place in the topological order, from 0
 * @param inputs positions of the vertices that it reads, in the order of its inputs
 * @param role what part it plays in training
 * @param type simple class name of its layer or vertex, for people
 * @param parameters number of its parameters
 */
public record Vertex(String name, int position, List<Integer> inputs, Role role, String type, long parameters) {

    /** What part a vertex plays in training. */
    public enum Role {
        /** Hands on one of the features arrays. */
        INPUT,
        /** Runs forward and backward. */
        HIDDEN,
        /** Runs forward only: its parameters are frozen, and no error passes through it. */
        FROZEN,
        /** Runs forward only: it has no parameters, and nothing that it reads runs backward. */
        FORWARD,
        /** Computes score and error from the labels. */
        OUTPUT
    }

    public Vertex {
        inputs = List.copyOf(inputs);
    }

    /** Whether this vertex has a backward pass. */
    public boolean runsBackward() {
        return role == Role.HIDDEN || role == Role.OUTPUT;
    }
}
