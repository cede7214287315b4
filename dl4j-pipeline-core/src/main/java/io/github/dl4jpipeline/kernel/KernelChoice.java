package io.github.dl4jpipeline.kernel;

import java.util.Collection;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * With which code each vertex of a graph is run.
 *
 * @param kernels the code for most
 * @param stock names of vertices that run with Deeplearning4j's own in any case, because that has been measured to be
 *     faster
 */
public record KernelChoice(Kernels kernels, Set<String> stock) {
    public KernelChoice {
        stock = Set.copyOf(stock);
    }

    /** The same for all vertices. */
    public static KernelChoice all(Kernels kernels) {
        return new KernelChoice(kernels, Set.of());
    }

    /** This choice, with Deeplearning4j's own code for the vertices named. */
    public KernelChoice except(Collection<String> vertices) {
        return new KernelChoice(kernels, Set.copyOf(vertices));
    }

    /** Names of the vertices of a graph for which there is code besides Deeplearning4j's own. */
    public static Set<String> fastVertices(ComputationGraph graph) {
        return FastLayers.vertices(graph);
    }

    /** Names of the batch normalizations whose statistics can be taken across micro-batches that run at the same time. */
    public static Set<String> joinableVertices(ComputationGraph graph, Kernels kernels) {
        return kernels == Kernels.FAST ? FastLayers.batchNormalizations(graph) : Set.of();
    }

    boolean isFast(String vertex) {
        return kernels == Kernels.FAST && !stock.contains(vertex);
    }
}
