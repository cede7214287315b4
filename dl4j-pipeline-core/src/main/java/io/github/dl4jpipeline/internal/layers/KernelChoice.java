package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * With which code each vertex of a graph is run.
 *
 * @param kernels the code for most
 * @param other by name, the vertices for which not the usual fast code is taken
 */
public record KernelChoice(Kernels kernels, Map<String, KernelCode> other) {
    public KernelChoice {
        other = Map.copyOf(other);
    }

    /** The same for all vertices. */
    public static KernelChoice all(Kernels kernels) {
        return new KernelChoice(kernels, Map.of());
    }

    /** This choice, with the other code for the vertices named. */
    public KernelChoice except(Map<String, KernelCode> vertices) {
        return new KernelChoice(kernels, vertices);
    }

    /** This choice, with another code for one more vertex. */
    public KernelChoice with(String vertex, KernelCode code) {
        Map<String, KernelCode> vertices = new LinkedHashMap<>(other);
        vertices.put(vertex, code);
        return except(vertices);
    }

    /** The code of a vertex. */
    public KernelCode code(String vertex) {
        return other.getOrDefault(vertex, KernelCode.USUAL);
    }
}
