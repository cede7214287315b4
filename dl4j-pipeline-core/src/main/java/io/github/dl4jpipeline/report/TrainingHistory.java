package io.github.dl4jpipeline.report;

import java.util.List;

/**
 * How training has gone, over all plans.
 *
 * @param lastSteps the last steps, at most {@value #LAST_STEPS}, oldest first
 * @param curve all steps, as means of as many on end as leave at most {@value #MOST_SAMPLES} points
 */
public record TrainingHistory(List<StepRecord> lastSteps, List<StepSample> curve) {
    /** How many steps are kept one by one. */
    public static final int LAST_STEPS = 20;

    /** How many points a curve has at most. */
    public static final int MOST_SAMPLES = 1024;

    /** Before the first step. */
    public static final TrainingHistory NONE = new TrainingHistory(List.of(), List.of());

    public TrainingHistory {
        lastSteps = List.copyOf(lastSteps);
        curve = List.copyOf(curve);
    }
}
