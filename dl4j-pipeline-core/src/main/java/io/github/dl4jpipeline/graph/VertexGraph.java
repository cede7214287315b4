package io.github.dl4jpipeline.graph;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.VertexIndices;
import org.deeplearning4j.nn.graph.vertex.impl.FrozenVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;

/**
 * An immutable view of a computation graph: its vertices in topological order and the edges between them.
 *
 * <p>The order is Deeplearning4j's own, in which it also lays out parameters and runs forward; backward is its reverse.
 */
public final class VertexGraph {
    private final List<Vertex> vertices;
    private final Map<String, Vertex> byName = new HashMap<>();
    private final List<List<Integer>> consumers = new ArrayList<>();

    private VertexGraph(List<Vertex> vertices) {
        this.vertices = List.copyOf(vertices);
        for (Vertex vertex : vertices) {
            byName.put(vertex.name(), vertex);
            consumers.add(new ArrayList<>());
            vertex.inputs().forEach(input -> consumers.get(input).add(vertex.position()));
        }
    }

    /** Reads an initialised graph. */
    public static VertexGraph of(ComputationGraph graph) {
        int[] order = Given.notNull("graph", graph).topologicalSortOrder();
        int[] positionOf = new int[order.length];
        for (int position = 0; position < order.length; position++) {
            positionOf[order[position]] = position;
        }
        List<Vertex> vertices = new ArrayList<>();
        for (int position = 0; position < order.length; position++) {
            GraphVertex vertex = graph.getVertices()[order[position]];
            List<Integer> inputs = new ArrayList<>();
            if (vertex.getInputVertices() != null) {
                for (VertexIndices input : vertex.getInputVertices()) {
                    inputs.add(positionOf[input.getVertexIndex()]);
                }
            }
            String type = vertex.hasLayer()
                    ? vertex.getLayer().getClass().getSimpleName()
                    : vertex.getClass().getSimpleName();
            long parameters = vertex.params() == null ? 0 : vertex.numParams();
            boolean trains = parameters > 0
                    || inputs.stream().anyMatch(input -> vertices.get(input).runsBackward());
            Vertex.Role role = roleOf(graph, vertex, trains);
            vertices.add(new Vertex(vertex.getVertexName(), position, inputs, role, type, parameters));
        }
        return new VertexGraph(vertices);
    }

    private static Vertex.Role roleOf(ComputationGraph graph, GraphVertex vertex, boolean trains) {
        if (vertex.isInputVertex()) {
            return Vertex.Role.INPUT;
        }
        if (vertex instanceof FrozenVertex || (vertex.hasLayer() && vertex.getLayer() instanceof FrozenLayer)) {
            return Vertex.Role.FROZEN;
        }
        if (graph.getConfiguration().getNetworkOutputs().contains(vertex.getVertexName())) {
            return Vertex.Role.OUTPUT;
        }
        return trains ? Vertex.Role.HIDDEN : Vertex.Role.FORWARD;
    }

    /** The vertices in topological order. */
    public List<Vertex> vertices() {
        return vertices;
    }

    public int size() {
        return vertices.size();
    }

    /** Whether the backward pass needs an error from a vertex: one that it reads runs backward. */
    public boolean hasInputErrors(int position) {
        return get(position).inputs().stream().anyMatch(input -> get(input).runsBackward());
    }

    /** The vertex at a place in the topological order. */
    public Vertex get(int position) {
        return vertices.get(position);
    }

    /**
     * The vertex with a name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Vertex get(String name) {
        Vertex vertex = byName.get(name);
        if (vertex == null) {
            throw new IllegalArgumentException("The graph has no vertex '" + name + "'; it has " + names());
        }
        return vertex;
    }

    /** Names of the vertices in topological order. */
    public List<String> names() {
        return vertices.stream().map(Vertex::name).toList();
    }

    /** Positions of the vertices that read the output of the one at {@code position}. */
    public List<Integer> consumers(int position) {
        return List.copyOf(consumers.get(position));
    }
}
