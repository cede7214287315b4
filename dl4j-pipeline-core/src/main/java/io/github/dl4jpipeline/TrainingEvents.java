package io.github.dl4jpipeline;

import io.github.dl4jpipeline.PipelineListener.Cause;
import io.github.dl4jpipeline.PipelineListener.PlanChanged;
import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineListener.StepDone;
import io.github.dl4jpipeline.PipelineListener.TrainingFailed;
import io.github.dl4jpipeline.internal.plan.Replanner;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.report.StepTimeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells listeners what happens, in the thread that calls {@code fit}. What a step leads to waits until the step is committed. */
final class TrainingEvents {
    private final PipelineListeners listeners;
    private final List<PlanChanged> changes = new ArrayList<>();
    private @Nullable ComputedStep computed;
    private long steps;

    /**
     * A step that is not committed yet.
     *
     * @param wholeNanos when it began, with what comes before the forward passes
     * @param beginNanos when the timeline begins
     */
    record ComputedStep(
            long wholeNanos,
            long beginNanos,
            double stepMillis,
            long examples,
            PartitionPlan plan,
            boolean warm,
            boolean chosen,
            List<StageReport> stages,
            Optional<StepTimeline> timeline) {}

    TrainingEvents(PipelineListeners listeners) {
        this.listeners = listeners;
    }

    /** Whether nobody listens, so that events need not be made. */
    boolean isSilent() {
        return listeners.isEmpty();
    }

    void profiling(ProfilingProgress progress) {
        listeners.each(listener -> listener.profiling(progress));
    }

    void chosen(PlanChosen event) {
        listeners.each(listener -> listener.planChosen(event));
    }

    void computed(ComputedStep step) {
        computed = step;
    }

    void profiled(long step, PartitionPlan plan) {
        PlanChanged event = new PlanChanged(step, plan, Cause.PROFILED, "a thorough profile was taken", List.of());
        listeners.each(listener -> listener.planChanged(event));
    }

    /** Waits for the present step to be committed, or for the next. */
    synchronized void changed(PlanChoice.Change change) {
        Replanner replanner = change.replanner();
        changes.add(new PlanChanged(
                replanner.steps(), change.plan(), change.cause(), replanner.reason(), replanner.measuredPlans()));
    }

    /** The last step has been committed. */
    void committed(int iteration, int epoch, double score, long updatedNanos) {
        steps++;
        ComputedStep step = computed;
        computed = null;
        if (step != null) {
            StepDone event = new StepDone(
                    steps,
                    iteration,
                    epoch,
                    step.examples(),
                    score,
                    step.stepMillis(),
                    (updatedNanos - step.wholeNanos()) / 1e6,
                    step.plan(),
                    step.warm(),
                    step.chosen(),
                    step.stages(),
                    step.timeline(),
                    step.beginNanos());
            listeners.each(listener -> listener.stepDone(event));
        }
        for (PlanChanged change : takeChanges()) {
            listeners.each(listener -> listener.planChanged(change));
        }
    }

    private synchronized List<PlanChanged> takeChanges() {
        List<PlanChanged> taken = List.copyOf(changes);
        changes.clear();
        return taken;
    }

    void failed(Throwable failure, int iteration, Optional<PartitionPlan> plan) {
        computed = null;
        TrainingFailed event = new TrainingFailed(failure, steps, iteration, plan);
        listeners.each(listener -> listener.trainingFailed(event));
    }
}
