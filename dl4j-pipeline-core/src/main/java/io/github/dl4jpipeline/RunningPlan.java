package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.internal.device.NativeHeap;
import io.github.dl4jpipeline.internal.execute.StepRequest;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.StepTimes;
import io.github.dl4jpipeline.internal.execute.TaskController;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.MeasuredSteps;
import io.github.dl4jpipeline.report.SequenceSteps;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.report.TransferReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Workers that train by a plan, and what their steps have taken. */
final class RunningPlan {
    private static final int WARM_STEPS = 3;
    private static final long WARM_NANOS = 2_000_000_000L;

    private final TaskController workers;
    private long steps;
    private long nanos;

    RunningPlan(TaskController workers) {
        this.workers = workers;
    }

    StepResult run(StepRequest step) {
        return workers.run(step);
    }

    /** The last step has taken so long. */
    void add(long stepNanos) {
        steps++;
        nanos += stepNanos;
    }

    /** Whether the last step was not the first. */
    boolean hasRunBefore() {
        return steps > 1;
    }

    /** Whether code has been compiled by now: after some steps, and some time in them. */
    boolean isWarm() {
        return steps >= WARM_STEPS && nanos >= WARM_NANOS;
    }

    StepMeasurement lastStep(double millis) {
        return new StepMeasurement(millis, workers.lastBusyMillis());
    }

    /** Of each stage. */
    List<Long> memoryBytes() {
        return Arrays.stream(workers.memoryBytes()).boxed().toList();
    }

    /** What each stage has done in the last step. */
    List<StageReport> stagesOf(StepMeasurement lastStep, PartitionPlan plan) {
        long[] memory = workers.memoryBytes();
        List<StageReport> stages = new ArrayList<>();
        int worker = 0;
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            int replicas = plan.stages().get(stage).replicas();
            double busy = 0;
            for (int replica = 0; replica < replicas; replica++) {
                busy += lastStep.busyMillis()[worker++];
            }
            stages.add(new StageReport(busy / replicas, memory[stage]));
        }
        return stages;
    }

    /** When the timeline of the last step begins; empty if it has none. */
    Optional<Long> beginNanos() {
        return workers.lastTimes().map(StepTimes::beginNanos);
    }

    /** @param passed transfers between devices */
    Optional<StepTimeline> timeline(Transfers passed) {
        return workers.lastTimes().map(times -> StepTimeline.of(times.timeline(), times.beginNanos(), passed.ofStep()));
    }

    /** What all steps have taken. */
    MeasuredSteps measured(PartitionPlan plan, Transfers passed) {
        long perStep = Math.max(1, steps);
        long[] busy = workers.busyNanos();
        long[] memory = workers.memoryBytes();
        List<StageReport> stages = new ArrayList<>();
        for (int i = 0; i < plan.stages().size(); i++) {
            int replicas = plan.stages().get(i).replicas();
            stages.add(new StageReport(busy[i] / 1e6 / perStep / replicas, memory[i]));
        }
        return new MeasuredSteps(
                steps,
                nanos / 1e6 / perStep,
                stages,
                TransferReport.of(passed, perStep),
                timeline(passed),
                workers.tileMeasurement(),
                sequences());
    }

    /** The same for a plan by which no workers train. */
    static MeasuredSteps notRunning(PartitionPlan plan, Transfers passed) {
        List<StageReport> stages =
                plan.stages().stream().map(stage -> new StageReport(0, 0)).toList();
        return new MeasuredSteps(0, 0, stages, TransferReport.of(passed, 1), Optional.empty(), Optional.empty());
    }

    private Optional<SequenceSteps> sequences() {
        return workers.timeSteps() == 0
                ? Optional.empty()
                : Optional.of(new SequenceSteps(workers.timeSteps(), workers.skippedTimeSteps()));
    }

    /** Ends the workers, also those of a step that is running. */
    void close() {
        NativeHeap.giveBack(workers::close);
    }
}
