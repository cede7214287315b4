package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.memory.StageMemory;
import io.github.dl4jpipeline.internal.stage.GroupRunner;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A replica of a stage: what its worker needs to run its tasks.
 *
 * @param replica which of the stage's replicas
 * @param runner runs its vertices
 * @param weightRunner runs the tasks for parameter gradients, in whatever thread; one at a time
 * @param group runs its last vertices for groups of micro-batches; null if each micro-batch runs them alone
 * @param weightGroup as {@code weightRunner}
 * @param memory holds its micro-batches, and sums their gradients
 * @param busyNanos time spent in its tasks so far, without waiting for others in them
 */
record StageReplica(
        int stage,
        int replica,
        StageRunner runner,
        StageRunner weightRunner,
        @Nullable GroupRunner group,
        @Nullable GroupRunner weightGroup,
        StageMemory memory,
        AtomicLong busyNanos) {}
