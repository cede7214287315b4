package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.partition.PartitionPlan;

/**
 * One training step as measured.
 *
 * @param iteration the graph's iteration count when it began
 * @param startMillis when it began, from the beginning of the pipeline's first step
 * @param millis time of its forward and backward passes
 * @param examples examples of its batch
 * @param score its score, as {@code ComputationGraph.score()} defines it
 * @param plan the plan that it was run with
 * @param timeline when its tasks and transfers have run
 */
public record StepRecord(
        long iteration,
        double startMillis,
        double millis,
        long examples,
        double score,
        PartitionPlan plan,
        StepTimeline timeline) {}
