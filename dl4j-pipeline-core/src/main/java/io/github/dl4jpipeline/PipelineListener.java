package io.github.dl4jpipeline;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.report.StepTimeline;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Watches how a pipeline trains, where Deeplearning4j's {@code TrainingListener} watches what it learns. Give it to
 * {@link PipelineBuilder#listener}. Every method does nothing unless it is overridden.
 *
 * <p>All methods are called in the thread that calls {@code fit}, one at a time, while the workers wait. So their time adds to that
 * of {@code fit}, and not to the measured time of a step. They may ask the pipeline anything and may close it, but must not train it.
 *
 * <p>A listener only watches: it cannot make a step fail. What it throws is logged once, with the name of its class, and it is not
 * called any more. When callbacks take longer than {@value #SLOW_MILLIS} ms for the second time, it is logged, and the listener
 * stays. Only a {@link VirtualMachineError}, such as one for lack of memory, reaches the caller of {@code fit}.
 */
public interface PipelineListener {
    /** How long a callback may take without a warning. */
    long SLOW_MILLIS = 100;

    /** Why training goes on with a plan. */
    enum Cause {
        /** A thorough profile has taken the place of the brief one that training has begun with. */
        PROFILED,
        /** It is its turn in the first steps, in which a few plans are measured. */
        TURN,
        /** It has been chosen by these steps, or there was no other to try. It may be the plan that was used before. */
        CHOSEN,
        /** Devices have become slower or faster than the plan before had them. */
        DEVICES
    }

    /**
     * The first plan of a pipeline.
     *
     * @param plan the plan of the first step
     * @param candidates the plans that take turns in the first steps, that of the first step first; only it, if none is tried, or
     *     before there is a thorough profile
     * @param profile what they were made from; empty for a plan that was given without one
     * @param cached whether the profile was read from the cache
     * @param took time to profile and plan; about zero where both were given
     */
    record PlanChosen(
            PartitionPlan plan,
            List<PartitionPlan> candidates,
            Optional<GraphProfile> profile,
            boolean cached,
            Duration took) {
        public PlanChosen {
            candidates = List.copyOf(candidates);
        }
    }

    /**
     * Training goes on with a plan.
     *
     * @param step number of steps that have been run before, on whatever plan
     * @param plan the plan of the next steps
     * @param cause why, in short
     * @param reason why, as a sentence without its full stop
     * @param measured what plans have taken in the first steps so far, fastest first; empty if none was tried
     */
    record PlanChanged(long step, PartitionPlan plan, Cause cause, String reason, List<MeasuredPlan> measured) {
        public PlanChanged {
            measured = List.copyOf(measured);
        }
    }

    /**
     * A step that has been committed: parameters are updated.
     *
     * @param step its number since the pipeline was built, from 1
     * @param iteration that of the graph, as Deeplearning4j's listeners get it
     * @param epoch that of the graph
     * @param examples number of examples of the batch
     * @param score the loss, regularization included, before the update
     * @param stepMillis time of the forward and backward passes, which a plan predicts
     * @param wholeMillis the same and the update, with what Deeplearning4j's listeners do before the update
     * @param plan the plan that it was run with
     * @param warm false for the first step with this plan's workers, in which memory is taken and code is made
     * @param chosen whether this plan has been chosen; false while plans take turns
     * @param stages what each stage has done in this step, and the memory that it has reserved
     * @param timeline when tasks and transfers have run
     * @param beginNanos when the timeline begins, on the clock of {@link System#nanoTime}
     */
    record StepDone(
            long step,
            int iteration,
            int epoch,
            long examples,
            double score,
            double stepMillis,
            double wholeMillis,
            PartitionPlan plan,
            boolean warm,
            boolean chosen,
            List<StageReport> stages,
            Optional<StepTimeline> timeline,
            long beginNanos) {
        public StepDone {
            stages = List.copyOf(stages);
        }
    }

    /**
     * A {@code fit} that has thrown.
     *
     * @param failure what its caller gets
     * @param steps number of steps that have been run since the pipeline was built
     * @param iteration that of the graph
     * @param plan the plan of the last step; empty if there is none yet
     */
    record TrainingFailed(Throwable failure, long steps, int iteration, Optional<PartitionPlan> plan) {}

    /**
     * After each measurement of a profile: ten to twenty times before the first step, and up to sixty times some seconds later, when
     * a thorough profile is taken. None comes where a profile is given, or found in the cache.
     */
    default void profiling(ProfilingProgress progress) {}

    /** Once, before the first step. */
    default void planChosen(PlanChosen event) {}

    /** After the step that leads to the change, and after {@link #stepDone}. */
    default void planChanged(PlanChanged event) {}

    /**
     * After each step, when it is updated and before it is counted: after {@code iterationDone} of Deeplearning4j's listeners. The
     * event is made only where there is a listener, in about a microsecond for each task of the step.
     */
    default void stepDone(StepDone event) {}

    /** Before {@code fit} throws. Parameters, updater state and counts are as its exception says. */
    default void trainingFailed(TrainingFailed event) {}
}
