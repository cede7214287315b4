package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.stage.StageRunner;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A replica of a stage: what its worker needs to run its tasks.
 *
 * @param stage the stage
 * @param replica which of its replicas
 * @param runner runs its vertices
 * @param scratch their working memory
 * @param gradients sums over its micro-batches
 * @param sums sums over all replicas of the stage; null where each is on a device with its own memory
 * @param busyNanos time spent in its tasks so far, without waiting for others in them
 */
record StagePart(
        int stage,
        int replica,
        StageRunner runner,
        StageScratch scratch,
        StageGradients gradients,
        @Nullable ReplicaSums sums,
        AtomicLong busyNanos) {}
