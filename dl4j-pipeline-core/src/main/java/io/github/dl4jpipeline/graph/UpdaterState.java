package io.github.dl4jpipeline.graph;

import org.deeplearning4j.nn.api.Trainable;

/** Size of what updaters keep from step to step. */
public final class UpdaterState {
    private UpdaterState() {}

    /** Elements of the updater state for all parameters of a vertex: for Adam two for each parameter, for Sgd none. */
    public static long elements(Trainable vertex) {
        return vertex.paramTable(false).entrySet().stream()
                .mapToLong(parameter -> vertex.getConfig()
                        .getUpdaterByParam(parameter.getKey())
                        .stateSize(parameter.getValue().length()))
                .sum();
    }
}
