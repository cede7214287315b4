package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.schedule.GroupingSchedule;
import io.github.dl4jpipeline.partition.Alternative;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.plan.PlanChange;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Timeline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A report as one page, without scripts, and without anything that a browser would have to load. */
final class HtmlReport {
    private static final String STYLE = """
            :root { color-scheme: light dark; --text: #1a1a1a; --back: #ffffff; --soft: #eceff1; --line: #7a8288; --forward: #0072b2;
              --backward: #b34700; --weights: #00664d; --copy: #7b3f73; --in: #ffffff; }
            @media (prefers-color-scheme: dark) { :root { --text: #ececec; --back: #15181a; --soft: #2a2f33; --line: #9aa3a9;
              --forward: #56b4e9; --backward: #f0a35e; --weights: #4fd1a5; --copy: #d6a3cf; --in: #101214; } }
            body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--text);
              background: var(--back); }
            h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
            .scroll { overflow-x: auto; margin: .5rem 0; } .scroll:focus-visible { outline: 3px solid var(--forward); }
            table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
            caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
            th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem .25rem 0; text-align: left; vertical-align: top; }
            .big { font-size: 1.1rem; } .key span { display: inline-block; margin-right: 1.2rem; }
            .key i { display: inline-block; width: .9rem; height: .9rem; margin-right: .35rem; vertical-align: -.1rem; }
            .key .f { background: var(--forward); } .key .b { background: var(--backward); } .key .w { background: var(--weights); }
            .key .c { background: var(--copy); } .key .n { background: var(--soft); border: 1px solid var(--line); }
            svg { font: 13px system-ui, sans-serif; fill: var(--text); } svg .title { font-weight: 600; }
            .wait, .stage { fill: var(--soft); } .forward { fill: var(--forward); } .backward { fill: var(--backward); }
            .weights { fill: var(--weights); } .copy { fill: var(--copy); } .forward, .backward, .weights, .copy { stroke: var(--back); }
            .in { fill: var(--in); text-anchor: middle; } .at { text-anchor: middle; } .value { text-anchor: end; }
            .tick { stroke: var(--line); stroke-opacity: .4; } .axis { stroke: var(--line); } .vertex { fill: var(--back);
              stroke: var(--line); } .edge, .cut { fill: none; stroke: var(--line); } .cut { stroke: var(--backward); stroke-width: 2; }
            .curve { fill: none; stroke: var(--forward); stroke-width: 1.5; }
            @media print { body { max-width: none; } .scroll { overflow: visible; } svg { max-width: 100%; height: auto; } }
            @media print { tr, svg { break-inside: avoid; } thead, h2, caption { break-after: avoid; } }
            """;

    private final PipelineReport report;
    private final PartitionPlan plan;

    private HtmlReport(PipelineReport report) {
        this.report = report;
        this.plan = report.plan();
    }

    static String of(PipelineReport report) {
        return new HtmlReport(report).page();
    }

    private String page() {
        return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                + "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                + "<title>Pipeline report: " + Html.text(plan.summary()) + "</title>\n<style>\n" + STYLE
                + "</style></head>\n<body><main>\n<h1>Pipeline report</h1>\n"
                + summary()
                + step()
                + section("Workers in the last step", workers())
                + section("Stages", stages())
                + section("Training", curves())
                + section("The graph in stages", Html.scrolling("The graph in stages", StagePicture.of(plan)))
                + section("Why this plan", reasons())
                + section("Settings and machine", settings())
                + "</main></body></html>\n";
    }

    private static String section(String title, String content) {
        return content.isEmpty() ? "" : "<section><h2>" + Html.text(title) + "</h2>\n" + content + "</section>\n";
    }

    private static String paragraph(String text) {
        return "<p>" + Html.text(text) + "</p>\n";
    }

    private String summary() {
        StringBuilder text = new StringBuilder("<p class=\"big\">" + Html.text(plan.summary()) + ", schedule "
                + Html.text(plan.schedule().name()) + (report.settled() ? "." : "; plans are still being tried.")
                + "</p>\n");
        String measured = report.steps() == 0
                ? "No step has been measured with this plan yet."
                : Html.number(
                        "%d steps with this plan took %.1f ms each, forward and backward. Workers waited %.0f %% of the time.",
                        report.steps(), report.stepMillis(), 100 * report.bubble());
        text.append(paragraph(measured));
        double predicted = millis(plan.predictedStepTime());
        if (predicted > 0) {
            text.append(paragraph(Html.number(
                    "The plan predicts %.1f ms, at most %.1f ms, and %.0f %% waiting. One device would take %.1f ms.%s",
                    predicted,
                    millis(plan.latestExecutionTime()),
                    100 * plan.bubble(),
                    millis(plan.oneDeviceTime()),
                    report.steps() == 0
                            ? ""
                            : Html.number(" Measured is %.2f times predicted.", report.stepMillis() / predicted))));
        }
        report.verification().ifPresent(found -> text.append(paragraph("First step " + found + ".")));
        plan.notes().forEach(note -> text.append(paragraph("Note: " + note)));
        return text.toString();
    }

    private String step() {
        return report.lastStep()
                .map(step -> section(
                        "One step",
                        "<p class=\"key\"><span><i class=\"f\"></i>forward</span><span><i class=\"b\"></i>backward</span>"
                                + "<span><i class=\"w\"></i>parameter gradients</span><span><i class=\"c\"></i>copy</span>"
                                + "<span><i class=\"n\"></i>waiting</span></p>\n"
                                + "<p>Numbers are micro-batches. Each task has its times as a tooltip. Predicted is without copies"
                                + (plan.splitsBackward() ? ", and half of a backward pass is parameter gradients" : "")
                                + ".</p>\n"
                                + Html.scrolling(
                                        "Timeline of a step",
                                        TimelinePicture.of(
                                                new WorkerNames(
                                                        plan, step.tasks().workers()),
                                                step,
                                                predicted()))))
                .orElse("");
    }

    /** By the plan's times. A backward pass that is split counts half for errors, and half for parameter gradients. */
    private Optional<Timeline> predicted() {
        if (plan.predictedStepTime().isZero()) {
            return Optional.empty();
        }
        List<StageTimes> times = plan.stages().stream()
                .map(stage -> new StageTimes(
                        stage.replicas(),
                        stage.forwardMillis(),
                        stage.backwardMillis(),
                        plan.splitsBackward() ? stage.backwardMillis() / 2 : 0,
                        0))
                .toList();
        Schedule schedule = GroupingSchedule.of(plan.schedule(), plan.grouped());
        boolean shared = report.transfers().isEmpty(); // then workers may run each other's parameter gradients
        return Optional.of(
                shared
                        ? ScheduleSimulator.simulateMoving(schedule, plan.taskWorkers(), times, plan.microBatches())
                        : ScheduleSimulator.simulate(schedule, plan.taskWorkers(), times, plan.microBatches()));
    }

    private String stages() {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < plan.stages().size(); i++) {
            Stage stage = plan.stages().get(i);
            StageReport measured = report.stages().get(i);
            double predicted =
                    (stage.forwardMillis() + stage.backwardMillis()) * plan.microBatches() / stage.replicas();
            rows.add(List.of(
                    "stage " + i,
                    stage.devices().stream().map(Device::id).collect(Collectors.joining(", ")),
                    String.valueOf(stage.vertices().size()),
                    Html.number("%.1f ms", measured.busyMillis()),
                    predicted == 0 ? "" : Html.number("%.1f ms", predicted),
                    bytes(measured.memoryBytes()),
                    stage.memoryBytes() == 0 ? "" : bytes(stage.memoryBytes()),
                    bytes(stage.sentBytes())));
        }
        String passed = report.transfers().isEmpty()
                ? ""
                : Html.table(
                        "Copies in a step, on average",
                        List.of("what", "from", "to", "size", "copies", "time"),
                        report.transfers().stream()
                                .map(transfer -> List.of(
                                        transfer.route().kind().toString(),
                                        String.valueOf(transfer.route().from()),
                                        String.valueOf(transfer.route().to()),
                                        bytes(Math.round(transfer.bytes())),
                                        Html.number("%.1f", transfer.count()),
                                        Html.number("%.2f ms", transfer.millis())))
                                .toList());
        return Html.table(
                        "Time of each stage's replica in a step, and its memory",
                        List.of(
                                "stage",
                                "devices",
                                "vertices",
                                "busy, measured",
                                "busy, predicted",
                                "activations, measured",
                                "memory, predicted",
                                "sends for a micro-batch"),
                        rows)
                + passed;
    }

    private String workers() {
        return report.lastStep()
                .map(step -> Html.table(
                        "What each worker did",
                        List.of("worker", "computing", "copying", "waiting", "used"),
                        WorkerUse.of(plan, step).stream()
                                .map(use -> List.of(
                                        use.name(),
                                        Html.number("%.1f ms", use.computeMillis()),
                                        Html.number("%.1f ms", use.copyMillis()),
                                        Html.number("%.1f ms", use.waitMillis()),
                                        Html.number("%.0f %%", 100 * use.used())))
                                .toList()))
                .orElse("");
    }

    private String curves() {
        List<StepSample> curve = report.training().curve();
        return curve.isEmpty()
                ? ""
                : Html.scrolling(
                        "Score and speed",
                        CurvePicture.of("score", "Score", curve, StepSample::score)
                                + CurvePicture.of(
                                        "speed", "Examples per second", curve, StepSample::examplesPerSecond));
    }

    private String reasons() {
        StringBuilder text = new StringBuilder();
        if (!report.measured().isEmpty()) {
            text.append(Html.table(
                    report.settled() ? "Plans that were tried" : "Plans that are being tried",
                    List.of("plan", "steps", "measured", "predicted"),
                    report.measured().stream().map(HtmlReport::tried).toList()));
        }
        if (!plan.alternatives().isEmpty()) {
            text.append(Html.table(
                    "Others, predicted",
                    List.of("kind", "stages", "workers", "micro-batches", "step"),
                    plan.alternatives().stream().map(HtmlReport::alternative).toList()));
        }
        if (!report.changes().isEmpty()) {
            text.append(Html.table(
                    "Changes",
                    List.of("after step", "since", "plan"),
                    report.changes().stream().map(HtmlReport::change).toList()));
        }
        return text.isEmpty() ? paragraph("It is the only one that came into question.") : text.toString();
    }

    private static List<String> tried(MeasuredPlan tried) {
        double predicted = millis(tried.plan().predictedStepTime());
        return List.of(
                tried.plan().summary(),
                String.valueOf(tried.steps()),
                Html.number("%.1f ms", tried.stepMillis()),
                predicted == 0 ? "" : Html.number("%.1f ms", predicted));
    }

    private static List<String> alternative(Alternative other) {
        return List.of(
                other.kind(),
                String.valueOf(other.stages()),
                String.valueOf(other.workers()),
                String.valueOf(other.microBatches()),
                Html.number("%.1f ms", millis(other.predictedStepTime())));
    }

    private static List<String> change(PlanChange change) {
        return List.of(
                String.valueOf(change.step()), change.reason(), change.plan().summary());
    }

    private String settings() {
        return table("Settings of the plan", RunSettings.ofPlan(plan))
                + table("Machine and software", RunSettings.ofThisProcess());
    }

    private static String table(String caption, Map<String, String> settings) {
        return Html.table(
                caption,
                List.of("what", "value"),
                settings.entrySet().stream()
                        .map(entry -> List.of(entry.getKey(), entry.getValue()))
                        .toList());
    }

    private static String bytes(long bytes) {
        return bytes >= 10_000_000
                ? Html.number("%.0f MB", bytes / 1e6)
                : bytes >= 100_000 ? Html.number("%.1f MB", bytes / 1e6) : Html.number("%.1f KB", bytes / 1e3);
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }
}
