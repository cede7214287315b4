package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.layers.KernelChoice;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;

/** Vertices of a stage that copies of a graph run as one. */
public interface Region {
    /** Positions of all its vertices. */
    List<Integer> positions();

    /** Position of the last vertex, at whose place all are run. */
    int exit();

    /**
     * Makes what runs them for one copy of the graph.
     *
     * @param original an initialised graph; its parameters are shared, nothing else
     * @param exit the last vertex, in the copy
     * @param code with which code vertices are run
     * @param workspaces whether arrays live in workspaces
     * @param name a prefix of workspace names that nothing else in the process has
     */
    RegionRunner runner(
            ComputationGraph original, GraphVertex exit, KernelChoice code, boolean workspaces, String name);
}
