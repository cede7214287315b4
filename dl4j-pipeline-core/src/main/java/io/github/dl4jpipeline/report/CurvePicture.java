package io.github.dl4jpipeline.report;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** Draws a curve over the iterations, with its least and greatest value. Points that are no number are left out. */
final class CurvePicture {
    private static final int WIDTH = 560;
    private static final int HEIGHT = 190;
    private static final int LEFT = 74;
    private static final int BOTTOM = 28;
    private static final int TOP = 26;

    private CurvePicture() {}

    static String of(String id, String title, List<StepSample> samples, ToDoubleFunction<StepSample> value) {
        List<StepSample> finite = samples.stream()
                .filter(sample -> Double.isFinite(value.applyAsDouble(sample)))
                .toList();
        String head = Html.number("<text class=\"title\" x=\"0\" y=\"16\">%s</text>", Html.text(title));
        if (finite.isEmpty()) {
            String none = "<text x=\"" + LEFT + "\" y=\"60\">No step has a finite value.</text>";
            return Html.picture(id, title, WIDTH, HEIGHT, head + none);
        }
        double least = finite.stream().mapToDouble(value).min().orElseThrow();
        double most = finite.stream().mapToDouble(value).max().orElseThrow();
        double range = most > least ? most - least : Math.max(1e-9, Math.abs(most));
        long first = finite.get(0).iteration();
        long last = finite.get(finite.size() - 1).iteration();
        double iterations = Math.max(1, last - first);
        String points = finite.stream()
                .map(sample -> Html.number(
                        "%.1f,%.1f",
                        LEFT + (WIDTH - LEFT - 10) * (sample.iteration() - first) / iterations,
                        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value.applyAsDouble(sample) - least) / range))
                .collect(Collectors.joining(" "));
        String axis = Html.number(
                "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
                        + "<text class=\"value\" x=\"%d\" y=\"%d\">%s</text><text class=\"value\" x=\"%d\" y=\"%d\">%s</text>"
                        + "<text x=\"%d\" y=\"%d\">iteration %d</text><text class=\"value\" x=\"%d\" y=\"%d\">%d</text>",
                LEFT,
                WIDTH - 10,
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM,
                LEFT - 8,
                TOP + 6,
                brief(most),
                LEFT - 8,
                HEIGHT - BOTTOM,
                brief(least),
                LEFT,
                HEIGHT - 8,
                first,
                WIDTH - 10,
                HEIGHT - 8,
                last);
        return Html.picture(
                id,
                Html.number(
                        "%s: from %s to %s",
                        title,
                        brief(value.applyAsDouble(finite.get(0))),
                        brief(value.applyAsDouble(finite.get(finite.size() - 1)))),
                WIDTH,
                HEIGHT,
                head + axis + "<polyline class=\"curve\" points=\"" + points + "\"/>");
    }

    private static String brief(double value) {
        return Math.abs(value) >= 1000 ? Html.number("%.0f", value) : Html.number("%.4g", value);
    }
}
