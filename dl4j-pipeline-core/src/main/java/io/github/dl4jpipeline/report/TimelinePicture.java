package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Draws timelines of a step below each other on one axis: a row for each worker, a box for each task. */
final class TimelinePicture {
    private static final int LABELS = 230;
    private static final int CHART = 900;
    private static final int ROW = 26;
    private static final int TITLE = 24;
    private static final int AXIS = 30;
    private static final int TICKS = 8;

    /** A box that is less wide has no number. */
    private static final double LEAST_WIDTH = 14;

    private final WorkerNames names;
    private final double millis;
    private final StringBuilder drawn = new StringBuilder();
    private int y;

    private TimelinePicture(WorkerNames names, double millis) {
        this.names = names;
        this.millis = millis;
    }

    /**
     * @param measured the last step, with transfers
     * @param predicted the same by the plan; empty if it has no times
     */
    static String of(WorkerNames names, StepTimeline measured, Optional<Timeline> predicted) {
        double end = Math.max(
                measured.tasks().makespanMillis(),
                predicted.map(Timeline::makespanMillis).orElse(0.0));
        TimelinePicture picture = new TimelinePicture(names, end == 0 ? 1 : end);
        picture.timeline("Measured, last step", measured.tasks(), measured.transfers());
        predicted.ifPresent(timeline -> picture.timeline("Predicted by the plan", timeline, List.of()));
        picture.axis();
        return Html.picture(
                "timeline",
                "When the tasks of a step run, by worker",
                LABELS + CHART + 20,
                picture.y,
                picture.drawn.toString());
    }

    private void timeline(String title, Timeline timeline, List<StepTimeline.Transfer> transfers) {
        drawn.append(Html.number("<text class=\"title\" x=\"0\" y=\"%d\">%s</text>", y + 16, Html.text(title)));
        y += TITLE;
        for (int worker = 0; worker < timeline.workers().count(); worker++) {
            int number = worker;
            row(names.of(worker));
            timeline.spans().stream().filter(span -> span.worker() == number).forEach(this::task);
            y += ROW;
        }
        List<String> routes = new ArrayList<>();
        for (StepTimeline.Transfer transfer : transfers) {
            String route = transfer.route().kind() + ", " + transfer.route().from() + " to "
                    + transfer.route().to();
            if (!routes.contains(route)) {
                routes.add(route);
            }
        }
        for (String route : routes) {
            row(route);
            transfers.stream()
                    .filter(transfer -> route.equals(
                            transfer.route().kind() + ", " + transfer.route().from() + " to "
                                    + transfer.route().to()))
                    .forEach(transfer -> box(
                            "copy",
                            transfer.startMillis(),
                            transfer.endMillis(),
                            "",
                            Html.number("%s, %.3f MB", transfer.what(), transfer.bytes() / 1e6)));
            y += ROW;
        }
        y += 8;
    }

    private void row(String name) {
        drawn.append(Html.number("<text x=\"0\" y=\"%d\">%s</text>", y + 17, Html.text(name)));
        drawn.append(Html.number(
                "<rect class=\"wait\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", LABELS, y + 2, CHART, ROW - 5));
    }

    private void task(Timeline.Span span) {
        Task task = span.task();
        String pass =
                switch (task.pass()) {
                    case FORWARD -> "forward";
                    case BACKWARD -> "backward";
                    case WEIGHTS -> "weights";
                };
        box(
                pass,
                span.startMillis(),
                span.endMillis(),
                String.valueOf(task.microBatch()),
                (pass.equals("weights") ? "parameter gradients" : pass) + " of micro-batch " + task.microBatch()
                        + ", stage " + task.stage());
    }

    private void box(String kind, double start, double end, String label, String what) {
        double x = LABELS + CHART * start / millis;
        double width = Math.max(0.5, CHART * (end - start) / millis);
        drawn.append(Html.number(
                "<g><title>%s: %.2f to %.2f ms</title><rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>",
                Html.text(what), start, end, kind, x, y + 2, width, ROW - 5));
        if (width >= LEAST_WIDTH && !label.isEmpty()) {
            drawn.append(Html.number(
                    "<text class=\"in\" x=\"%.1f\" y=\"%d\">%s</text>", x + width / 2, y + 17, Html.text(label)));
        }
        drawn.append("</g>");
    }

    private void axis() {
        double step = niceStep(millis / TICKS);
        for (double at = 0; at <= millis; at += step) {
            double x = LABELS + CHART * at / millis;
            drawn.append(
                    Html.number("<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TITLE, y));
            drawn.append(Html.number("<text class=\"at\" x=\"%.1f\" y=\"%d\">%s ms</text>", x, y + 16, trimmed(at)));
        }
        y += AXIS;
    }

    /** 1, 2 or 5 times a power of ten, at least as large. */
    static double niceStep(double least) {
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double factor : new double[] {1, 2, 5}) {
            if (factor * power >= least) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    /** A number without zeros at its end. */
    static String trimmed(double value) {
        String text = Html.number("%.3f", value);
        return text.replaceAll("\\.?0+$", "");
    }
}
