package io.github.dl4jpipeline.graph;

/** Over which examples batch normalization takes mean and variance while training. */
public enum BatchNormStatistics {
    /**
     * Over the whole batch, as {@code ComputationGraph.fit} does. Training gives the same result as plain {@code fit}.
     * The batch is one micro-batch, or one for each replica of every stage: these run at the same time and join their
     * statistics. Deeplearning4j's own layer code can only do the former.
     */
    FULL_BATCH,

    /**
     * Over each micro-batch for normalization. The running statistics used at test time are updated once a step. They
     * take the mean and variance of the whole batch, computed from those of its micro-batches. The result differs
     * from plain {@code fit} as it would with a smaller batch.
     */
    PER_MICRO_BATCH
}
