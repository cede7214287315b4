package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.partition.PartitionPlan;

/**
 * What a plan has taken when plans took turns in the first steps of training.
 *
 * @param plan the plan
 * @param steps number of steps that count
 * @param stepMillis time of their forward and backward passes, the lower quartile
 */
public record MeasuredPlan(PartitionPlan plan, int steps, double stepMillis) {}
