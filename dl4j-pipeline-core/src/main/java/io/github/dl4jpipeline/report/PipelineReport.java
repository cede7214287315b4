package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.file.WholeFile;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
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
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%d steps, forward and backward %.1f ms each%s, bubble %.0f %%%s%n",
                steps(),
                stepMillis(),
                predicted(millis(plan)),
                100 * bubble(),
                millis(plan) == 0 ? "" : String.format(Locale.ROOT, " (predicted %.0f %%)", 100 * plan.bubble())));
        verification.ifPresent(compared -> text.append(String.format("first step %s%n", compared)));
        for (int i = 0; i < stages().size(); i++) {
            Stage planned = plan.stages().get(i);
            double predicted =
                    (planned.forwardMillis() + planned.backwardMillis()) * plan.microBatches() / planned.replicas();
            text.append(String.format(
                    Locale.ROOT,
                    "stage %d on %s: busy %.1f ms a step%s, %.1f MB of activations%n",
                    i,
                    planned.devices().stream().map(Device::id).collect(Collectors.joining(", ")),
                    stages().get(i).busyMillis(),
                    predicted(predicted),
                    stages().get(i).memoryBytes() / 1e6));
        }
        for (MeasuredPlan tried : measured()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%s %s: %.1f ms%s%n",
                    settled() ? "tried" : "being tried,",
                    tried.plan().summary(),
                    tried.stepMillis(),
                    predicted(millis(tried.plan()))));
        }
        if (!transfers().isEmpty()) {
            text.append(String.format("passed in a step, on average:%n"));
            transfers().forEach(passed -> text.append(String.format("  %s%n", passed)));
        }
        lastStep().ifPresent(step -> text.append(TimelineDrawing.of(plan, step)));
        for (PlanChange change : changes()) {
            text.append(String.format(
                    "new plan after step %d, since %s: %s%n",
                    change.step(), change.reason(), change.plan().summary()));
        }
        sequences()
                .filter(all -> all.skipped() > 0)
                .ifPresent(all -> text.append(String.format(
                        Locale.ROOT,
                        "not computed: %d of %d time steps (%.0f %%), which are masked for all examples of their micro-batch%n",
                        all.skipped(),
                        all.given(),
                        100.0 * all.skipped() / all.given())));
        tiles().ifPresent(measured -> text.append(String.format(
                Locale.ROOT,
                "tiles: largest keeps %.1f MB (counted %.1f MB; the whole %.1f MB), %.2f times the multiply-adds, halos of"
                        + " %.1f MB%n",
                measured.tileBytes() / 1e6,
                measured.countedBytes() / 1e6,
                measured.wholeBytes() / 1e6,
                measured.cost().repeated(),
                measured.haloBytes() / 1e6)));
        return text.toString();
    }

    private static double millis(PartitionPlan plan) {
        return plan.predictedStepTime().toNanos() / 1e6;
    }

    /** Nothing if there is no prediction. */
    private static String predicted(double millis) {
        return millis == 0 ? "" : String.format(Locale.ROOT, " (predicted %.1f ms)", millis);
    }
}
