package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import java.util.Set;
import java.util.function.Function;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds code that does not fail: Deeplearning4j's own for vertices whose fast code does. */
public final class WorkingCode {
    private static final Logger log = LoggerFactory.getLogger(WorkingCode.class);

    /** Names of the vertices that have fast code, and can have Deeplearning4j's own instead. */
    private final Set<String> replaceable;

    public WorkingCode(ComputationGraph graph, KernelChoice choice) {
        replaceable = choice.kernels() == Kernels.STOCK ? Set.of() : FastLayers.replaceableVertices(graph);
    }

    /** What came of some work, and the code that it was done with. */
    public record Done<T>(KernelChoice choice, T result) {}

    /**
     * Does some work, again with Deeplearning4j's own code for each vertex that fails.
     *
     * @throws IllegalArgumentException if a vertex fails with that, too, or has no other code
     */
    public <T> Done<T> run(KernelChoice choice, Function<KernelChoice, T> work) {
        try {
            return new Done<>(choice, work.apply(choice));
        } catch (VertexFailure failure) {
            String vertex = failure.vertex();
            boolean isStock = choice.code(vertex) == KernelCode.STOCK;
            if (isStock || !replaceable.contains(vertex)) {
                throw new IllegalArgumentException(
                        "Cannot profile the graph with this sample: " + failure.getMessage(), failure.getCause());
            }
            Done<T> done = run(choice.with(vertex, KernelCode.STOCK), work);
            log.warn(
                    "Vertex '{}' runs with Deeplearning4j's own code, since its fast code fails: {}",
                    vertex,
                    failure.reason());
            return done;
        }
    }
}
