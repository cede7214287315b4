package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.Bytes;
import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.Locale;
import java.util.stream.Collectors;

/** A report as text. */
final class ReportText {
    private final PipelineReport report;
    private final PartitionPlan plan;

    private ReportText(PipelineReport report) {
        this.report = report;
        this.plan = report.plan();
    }

    static String of(PipelineReport report) {
        return new ReportText(report).text();
    }

    private String text() {
        StringBuilder text = new StringBuilder(format("Measured: %s%n", plan.summary()));
        text.append(format(
                "%s, forward and backward %.1f ms each%s, bubble %.0f %%%s%n",
                report.steps() == 1 ? "1 step" : report.steps() + " steps",
                report.stepMillis(),
                predicted(millis(plan)),
                100 * report.bubble(),
                millis(plan) == 0 ? "" : format(" (predicted %.0f %%)", 100 * plan.bubble())));
        Deviation.of(plan, report.measurements()).ifPresent(why -> text.append(format("%s%n", why)));
        report.verification().ifPresent(compared -> text.append(format("first step %s%n", compared)));
        text.append(stages());
        if (!report.measured().isEmpty()) {
            text.append(tried());
        } else if (!report.settled() && report.steps() > 0) {
            text.append(format("this is the first plan; training has ended before others were tried%n"));
        }
        if (!report.transfers().isEmpty()) {
            text.append(format("passed in a step, on average:%n"));
            report.transfers().forEach(passed -> text.append(format("  %s%n", passed)));
        }
        report.lastStep().ifPresent(step -> text.append(TimelineDrawing.of(plan, step)));
        for (PlanChange change : report.changes()) {
            text.append(format(
                    "new plan after step %d, since %s: %s%n",
                    change.step(), change.reason(), change.plan().summary()));
        }
        report.sequences()
                .filter(all -> all.skipped() > 0)
                .ifPresent(all -> text.append(format(
                        "not computed: %d of %d time steps (%.0f %%), which are masked for all examples of their micro-batch%n",
                        all.skipped(), all.given(), 100.0 * all.skipped() / all.given())));
        text.append(terms());
        report.tiles().ifPresent(measured -> text.append(tiles(measured)));
        return text.toString();
    }

    private TextTable stages() {
        TextTable table = new TextTable("stage", "device", "busy ms", "predicted ms", "activations");
        for (int i = 0; i < report.stages().size(); i++) {
            Stage planned = plan.stages().get(i);
            double predicted = Deviation.predictedBusyMillis(plan, i);
            table.row(
                    String.valueOf(i),
                    planned.devices().stream().map(Device::id).collect(Collectors.joining(", ")),
                    format("%.1f", report.stages().get(i).busyMillis()),
                    predicted == 0 ? "" : format("%.1f", predicted),
                    Bytes.text(report.stages().get(i).memoryBytes()));
        }
        return table;
    }

    private String tried() {
        TextTable table = new TextTable(
                report.settled() ? "tried" : "being tried, none is chosen yet",
                "stages",
                "workers",
                "micro-batches",
                "steps",
                "step ms",
                "predicted ms");
        for (MeasuredPlan tried : report.measured()) {
            PartitionPlan other = tried.plan();
            table.row(
                    other.kind().toString(),
                    String.valueOf(other.stages().size()),
                    String.valueOf(other.workers()),
                    String.valueOf(other.microBatches()),
                    String.valueOf(tried.steps()),
                    format("%.1f", tried.stepMillis()),
                    millis(other) == 0 ? "" : format("%.1f", millis(other)));
        }
        return table.toString();
    }

    private static String tiles(TileMeasurement measured) {
        return format(
                "tiles: largest keeps %s (counted %s; the whole %s), %.2f times the multiply-adds, halos of %s%n",
                Bytes.text(measured.tileBytes()),
                Bytes.text(measured.countedBytes()),
                Bytes.text(measured.wholeBytes()),
                measured.cost().repeated(),
                Bytes.text(measured.haloBytes()));
    }

    private String terms() {
        return format(
                        "terms: bubble: share of a step in which workers wait. busy: time of a replica in tasks, a step.%n")
                + (report.measured().isEmpty()
                        ? ""
                        : format(
                                "  step ms of plans tried: the lower quartile of their steps, forward and backward.%n"));
    }

    private static double millis(PartitionPlan plan) {
        return plan.predictedStepTime().toNanos() / 1e6;
    }

    /** Nothing if there is no prediction. */
    private static String predicted(double millis) {
        return millis == 0 ? "" : format(" (predicted %.1f ms)", millis);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
