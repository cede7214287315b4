package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.file.WholeFile;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;

/**
 * Measured against predicted, over the steps since the pipeline was built, or since it last got another plan.
 *
 * @param plan what was predicted
 * @param measurements what its steps have taken
 * @param history how training has come to it
 * @param training how training has gone, with all plans
 * @param verification how the plan's first step compares with plain Deeplearning4j's; empty if it was not compared
 */
public record PipelineReport(
        PartitionPlan plan,
        MeasuredSteps measurements,
        PlanHistory history,
        TrainingHistory training,
        Optional<Verification> verification) {

    /** See {@link MeasuredSteps#steps}. */
    public long steps() {
        return measurements.steps();
    }

    /** See {@link MeasuredSteps#stepMillis}. */
    public double stepMillis() {
        return measurements.stepMillis();
    }

    /** See {@link MeasuredSteps#stages}. */
    public List<StageReport> stages() {
        return measurements.stages();
    }

    /** See {@link MeasuredSteps#transfers}. */
    public List<TransferReport> transfers() {
        return measurements.transfers();
    }

    /** See {@link MeasuredSteps#lastStep}. */
    public Optional<StepTimeline> lastStep() {
        return measurements.lastStep();
    }

    /** See {@link MeasuredSteps#tiles}. */
    public Optional<TileMeasurement> tiles() {
        return measurements.tiles();
    }

    /** See {@link MeasuredSteps#sequences}. */
    public Optional<SequenceSteps> sequences() {
        return measurements.sequences();
    }

    /** See {@link PlanHistory#settled}. */
    public boolean settled() {
        return history.settled();
    }

    /** See {@link PlanHistory#measured}. */
    public List<MeasuredPlan> measured() {
        return history.measured();
    }

    /** See {@link PlanHistory#changes}. */
    public List<PlanChange> changes() {
        return history.changes();
    }

    /** The measured share of the workers' time in which they wait, from 0 to 1. */
    public double bubble() {
        double busy = 0;
        for (int i = 0; i < stages().size(); i++) {
            busy += stages().get(i).busyMillis() * plan.stages().get(i).replicas();
        }
        return stepMillis() == 0 ? 0 : Math.max(0, 1 - busy / (plan.workers() * stepMillis()));
    }

    /**
     * Writes the last steps, at most {@value TrainingHistory#LAST_STEPS}, as Chrome trace events, for Perfetto or chrome://tracing:
     * tasks by worker, arrows from stage to stage, transfers, and counters. The file is compressed if its name ends in
     * {@code .gz}. An existing one is replaced in one step.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before
     */
    public void writeTrace(Path file) {
        boolean compressed = Given.notNull("file", file).toString().endsWith(".gz");
        WholeFile.write(file, draft -> {
            try (OutputStream plain = Files.newOutputStream(draft);
                    OutputStream out = compressed ? new GZIPOutputStream(plain) : new BufferedOutputStream(plain)) {
                ChromeTrace.write(training.lastSteps(), out);
            }
        });
    }

    /**
     * Writes one page that needs nothing else: the plan, what was measured beside it, and how training has gone. An existing
     * file is replaced in one step.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before
     */
    public void writeHtml(Path file) {
        Given.notNull("file", file);
        String page = HtmlReport.of(this);
        WholeFile.write(file, draft -> Files.writeString(draft, page));
    }

    /** The report for people. */
    @Override
    public String toString() {
        return ReportText.of(this);
    }
}
