package io.github.dl4jpipeline.kernel;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

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

    /** Names of the vertices of a graph that some code can run instead of the usual. */
    public static Set<String> vertices(ComputationGraph graph, KernelCode code, Kernels kernels) {
        return FastLayers.vertices(graph, code, kernels);
    }

    /** The same for the fast kernels. */
    public static Set<String> vertices(ComputationGraph graph, KernelCode code) {
        return vertices(graph, code, Kernels.FAST);
    }

    /**
     * Names of the vertices of a graph that have fast code and can run with {@link KernelCode#STOCK} instead. Not so batch
     * normalizations: only the fast code can take their statistics across micro-batches, which a plan may need.
     */
    public static Set<String> replaceableVertices(ComputationGraph graph) {
        Set<String> names =
                new HashSet<>(FastLayers.vertices(graph, KernelCode.PLAIN, Kernels.FAST)); // all that have fast code
        names.removeAll(FastLayers.batchNormalizations(graph));
        return names;
    }

    /** Names of the vertices of a graph whose passes can have different code. */
    public static Set<String> verticesOfTwoCodes(ComputationGraph graph) {
        return FastLayers.verticesOfTwoCodes(graph);
    }

    /** Names of the batch normalizations whose statistics can be taken across micro-batches that run at the same time. */
    public static Set<String> joinableVertices(ComputationGraph graph, Kernels kernels) {
        return kernels != Kernels.STOCK ? FastLayers.batchNormalizations(graph) : Set.of();
    }

    /** The code of a vertex. */
    public VertexCode code(String vertex) {
        return other.getOrDefault(vertex, VertexCode.USUAL);
    }
}
