package io.github.dl4jpipeline.internal.engine;

import java.util.function.Predicate;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.jspecify.annotations.Nullable;

/**
 * What copies of a graph share in the engine.
 *
 * @param packed the weights; null if the engine runs nothing, as on devices that do not see the host's arrays
 * @param leaves vertices that it must not run
 */
public record Engine(@Nullable PackedWeights packed, Predicate<GraphVertex> leaves) {
    /** It runs nothing. */
    public static final Engine NONE = new Engine(null, vertex -> true);

    /** It runs what it can. */
    public static Engine of(PackedWeights packed) {
        return new Engine(packed, vertex -> false);
    }

    /** It leaves these vertices alone. */
    public Engine except(Predicate<GraphVertex> vertices) {
        return new Engine(packed, leaves.or(vertices));
    }
}
