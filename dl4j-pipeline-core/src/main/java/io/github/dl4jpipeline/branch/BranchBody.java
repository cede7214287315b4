package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.layers.Layer;

/** One branch: a copy of the network's vertices, narrowed one after the other in topological order. */
final class BranchBody {
    private final ConfigurationDag dag;
    private final Narrowing narrowing;
    private final String prefix;
    private final Map<String, Width> widths = new HashMap<>();
    private final Map<String, GraphVertex> vertices = new LinkedHashMap<>();
    private final Map<String, List<String>> inputs = new LinkedHashMap<>();

    /**
     * An empty branch.
     *
     * @param prefix of the names of its vertices
     */
    BranchBody(ComputationGraphConfiguration original, Narrowing narrowing, String prefix) {
        this.dag = new ConfigurationDag(Configurations.copy(original));
        this.narrowing = narrowing;
        this.prefix = prefix;
        original.getNetworkInputs().forEach(input -> widths.put(input, Width.WHOLE));
    }

    /** Adds a vertex, narrowed. */
    void addNarrowed(String name) {
        GraphVertex vertex = vertexOf(name);
        List<Width> from = dag.inputs(name).stream().map(this::width).toList();
        try {
            add(name, vertex, narrow(vertex, from));
        } catch (IllegalArgumentException e) {
            throw new UnsplittableGraphException(name, e);
        }
    }

    /** Adds a vertex that has been adapted to its input already, with the width of its output. */
    void add(String name, GraphVertex vertex, Width width) {
        widths.put(name, width);
        vertices.put(prefix + name, Configurations.named(prefix + name, vertex));
        inputs.put(prefix + name, dag.inputs(name).stream().map(this::nameOf).toList());
    }

    /** The branch's own copy of a vertex. */
    GraphVertex vertexOf(String name) {
        GraphVertex vertex = dag.vertex(name);
        if (vertex == null) {
            throw new IllegalArgumentException("'" + name + "' is an input of the network");
        }
        return vertex;
    }

    /** Width of the output of a vertex, or of a network input. */
    Width width(String name) {
        Width width = widths.get(name);
        if (width == null) {
            throw new IllegalArgumentException("'" + name + "' is not in the branch yet");
        }
        return width;
    }

    /** Name in the branched network. */
    String nameOf(String original) {
        return dag.isInput(original) ? original : prefix + original;
    }

    Map<String, GraphVertex> vertices() {
        return vertices;
    }

    Map<String, List<String>> inputs() {
        return inputs;
    }

    private Width narrow(GraphVertex vertex, List<Width> from) {
        if (vertex instanceof LayerVertex layerVertex) {
            Layer layer = layerVertex.getLayerConf().getLayer();
            LayerNarrowing.adapt(layerVertex.getPreProcessor(), from.get(0));
            return LayerNarrowing.narrow(layer, from.get(0), narrowing);
        } else if (vertex instanceof MergeVertex) {
            return Width.sideBySide(from);
        } else if (vertex instanceof ElementWiseVertex
                || vertex instanceof ScaleVertex
                || vertex instanceof ShiftVertex) {
            return Width.same(from);
        }
        throw new IllegalArgumentException(
                "vertices of class " + vertex.getClass().getSimpleName()
                        + " cannot be narrowed; known are layers, merge, element-wise, scale and shift vertices");
    }
}
