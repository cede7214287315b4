package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.cluster.EvenPlan;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import java.util.OptionalInt;

/**
 * What the user has chosen of a plan.
 *
 * @param canSplit whether batches can be split: no layer sees several examples
 */
public record Choice(OptionalInt stages, OptionalInt replicas, OptionalInt microBatches, boolean canSplit) {

    /** How many workers there must be; empty if the planner says. */
    OptionalInt workers() {
        return stages.isPresent() && (replicas.isPresent() || !canSplit)
                ? OptionalInt.of(stages.getAsInt() * replicas.orElse(1))
                : OptionalInt.empty();
    }

    /** How many workers there must be at least. */
    int leastWorkers() {
        return stages.orElse(1) * replicas.orElse(1);
    }

    /** A plan without anything measured. */
    public PartitionPlan evenPlan(VertexGraph vertices) {
        int ofEach = replicas.orElse(1);
        int cuts = stages.orElse(ofEach > 1 ? 1 : 2);
        int parts = microBatches.orElse(canSplit ? ofEach * (cuts > 1 ? 4 : 1) : 1);
        return EvenPlan.of(vertices, cuts, ofEach, parts);
    }

    /** Whether one worker would do. */
    boolean isOpen() {
        return stages.orElse(1) == 1 && replicas.orElse(1) == 1;
    }

    PlanOptions options() {
        OptionalInt one = OptionalInt.of(1);
        return PlanOptions.defaults()
                .withStages(stages)
                .withReplicas(canSplit ? replicas : one)
                .withMicroBatches(canSplit ? microBatches : one);
    }
}
