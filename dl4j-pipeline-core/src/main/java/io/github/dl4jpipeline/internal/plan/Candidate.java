package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.function.Supplier;

/**
 * A plan that may be the best.
 *
 * @param plan the plan
 * @param withLeastTraffic makes one with the same devices and bottleneck that sends less, if there is one
 */
public record Candidate(PartitionPlan plan, Supplier<PartitionPlan> withLeastTraffic) {
    /** The only plan with its devices. */
    Candidate(PartitionPlan plan) {
        this(plan, () -> plan);
    }
}
