package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import java.util.List;

/**
 * How training has come to its plan.
 *
 * @param settled whether the plan has been chosen; false before the first step, while plans take turns in the first
 *     steps, and when the next step brings another plan
 * @param measured what these plans have taken so far, fastest first; empty if only one came into question, or nothing counts yet
 * @param changes of the plan since it was chosen, the last ones if there have been many
 */
public record PlanHistory(boolean settled, List<MeasuredPlan> measured, List<PlanChange> changes) {
    public PlanHistory {
        measured = List.copyOf(measured);
        changes = List.copyOf(changes);
    }
}
