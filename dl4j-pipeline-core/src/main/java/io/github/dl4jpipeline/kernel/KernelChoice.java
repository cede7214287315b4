package io.github.dl4jpipeline.kernel;

import java.util.Collection;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * With which code each vertex of a graph is run.
 *
 * @param kernels the code for most
 * @param other names of vertices for which not the usual fast code is taken: products of matrices for convolutions,
 *     Deeplearning4j's own for the rest
 */
public record KernelChoice(Kernels kernels, Set<String> other) {
    public KernelChoice {
        other = Set.copyOf(other);
    }

    /** The same for all vertices. */
    public static KernelChoice all(Kernels kernels) {
        return new KernelChoice(kernels, Set.of());
    }

    /** This choice, with the other code for the vertices named. */
    public KernelChoice except(Collection<String> vertices) {
        return new KernelChoice(kernels, Set.copyOf(vertices));
    }

    /** Names of the vertices of a graph for which there is a choice of code. */
    public static Set<String> fastVertices(ComputationGraph graph) {
        return FastLayers.vertices(graph);
    }

    /** Names of the batch normalizations whose statistics can be taken across micro-batches that run at the same time. */
    public static Set<String> joinableVertices(ComputationGraph graph, Kernels kernels) {
        return kernels == Kernels.FAST ? FastLayers.batchNormalizations(graph) : Set.of();
    }

    boolean isOther(String vertex) {
        return other.contains(vertex);
    }
}
