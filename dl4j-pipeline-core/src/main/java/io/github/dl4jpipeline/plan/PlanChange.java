package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.partition.PartitionPlan;

/**
 * Training has gone on with another plan.
 *
 * @param step number of steps that had been run before, on whatever plan
 * @param reason why, as a sentence without its full stop
 * @param plan the new plan
 */
public record PlanChange(long step, String reason, PartitionPlan plan) {}
