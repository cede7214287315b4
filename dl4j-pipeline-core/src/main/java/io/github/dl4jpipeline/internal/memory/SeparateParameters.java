package io.github.dl4jpipeline.internal.memory;

import java.util.function.IntUnaryOperator;

/** Parameters of stages that have memory of their own. */
interface SeparateParameters extends ParameterMemory {
    /** Adds up what the first {@code active} replicas of each stage have summed, on the first. */
    void sumReplicas(IntUnaryOperator active);

    /** Gathers for the last time, and frees the updater state. */
    void close();
}
