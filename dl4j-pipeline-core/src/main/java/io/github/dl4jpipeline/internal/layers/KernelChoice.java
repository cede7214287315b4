package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexCode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * With which code each vertex of a graph is run.
 *
 * @param kernels the code for most
 * @param other by name, the vertices for which not the usual fast code is taken
 */
public record KernelChoice(Kernels kernels, Map<String, VertexCode> other) {
    public KernelChoice {
        other = Map.copyOf(other);
    }

    /** The same for all vertices. */
    public static KernelChoice all(Kernels kernels) {
        return new KernelChoice(kernels, Map.of());
    }

    /** This choice, with the other code for the vertices named. */
    public KernelChoice except(Map<String, VertexCode> vertices) {
        return new KernelChoice(kernels, vertices);
    }

    /** This choice, with another code for one more vertex. */
    public KernelChoice with(String vertex, VertexCode code) {
        Map<String, VertexCode> vertices = new LinkedHashMap<>(other);
        vertices.put(vertex, code);
        return except(vertices);
    }

    /** The code of a vertex. */
    public VertexCode code(String vertex) {
        return other.getOrDefault(vertex, VertexCode.USUAL);
    }
}
