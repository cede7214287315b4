package io.github.dl4jpipeline.internal.graph;

import java.util.function.Predicate;
import org.deeplearning4j.nn.api.Trainable;

/** Size of what updaters keep from step to step. */
public final class UpdaterState {
    private UpdaterState() {}

    /** Elements of the updater state for all parameters of a vertex: for Adam two for each parameter, for Sgd none. */
    public static long elements(Trainable vertex) {
        return elements(vertex, parameter -> true);
    }

    /** The same for some of its parameters, by name. */
    public static long elements(Trainable vertex, Predicate<String> which) {
        return vertex.paramTable(false).entrySet().stream()
                .filter(parameter -> which.test(parameter.getKey()))
                .mapToLong(parameter -> vertex.getConfig()
                        .getUpdaterByParam(parameter.getKey())
                        .stateSize(parameter.getValue().length()))
                .sum();
    }
}
