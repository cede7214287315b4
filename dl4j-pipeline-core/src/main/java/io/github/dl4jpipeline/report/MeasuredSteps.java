package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.List;
import java.util.Optional;

/**
 * What the steps of a plan have taken.
 *
 * @param steps number of steps
 * @param stepMillis mean time of the forward and backward passes of a step
 * @param stages what each stage has done
 * @param transfers between devices with their own memory, and from and to the host
 * @param lastStep when the tasks and transfers of the last step have run; empty before there was one
 * @param tiles what the tiles of a micro-batch have taken, if there are any
 * @param sequences time steps of masked sequences, where some may be left out
 */
public record MeasuredSteps(
        long steps,
        double stepMillis,
        List<StageReport> stages,
        List<TransferReport> transfers,
        Optional<StepTimeline> lastStep,
        Optional<TileMeasurement> tiles,
        Optional<SequenceSteps> sequences) {

    public MeasuredSteps {
        stages = List.copyOf(stages);
        transfers = List.copyOf(transfers);
    }

    /** Steps without masked sequences. */
    public MeasuredSteps(
            long steps,
            double stepMillis,
            List<StageReport> stages,
            List<TransferReport> transfers,
            Optional<StepTimeline> lastStep,
            Optional<TileMeasurement> tiles) {
        this(steps, stepMillis, stages, transfers, lastStep, tiles, Optional.empty());
    }
}
