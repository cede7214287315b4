package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Draws the graph cut into stages: a column for each stage, its vertices one below the other, and the edges between them. */
final class StagePicture {
    private static final int COLUMN = 260;
    private static final int BOX = 190;
    private static final int ROW = 26;
    private static final int HEAD = 54;
    private static final int MOST_LETTERS = 24;

    /** Where a vertex is drawn. */
    private record Place(int x, int y, int stage) {}

    private StagePicture() {}

    static String of(PartitionPlan plan) {
        Map<String, Place> places = new HashMap<>();
        StringBuilder boxes = new StringBuilder();
        int most = 0;
        for (int i = 0; i < plan.stages().size(); i++) {
            Stage stage = plan.stages().get(i);
            int x = 20 + i * COLUMN;
            boxes.append(Html.number(
                    "<rect class=\"stage\" x=\"%d\" y=\"4\" width=\"%d\" height=\"%d\" rx=\"6\"/>",
                    x - 12, BOX + 24, HEAD + stage.vertices().size() * ROW));
            boxes.append(Html.number("<text class=\"title\" x=\"%d\" y=\"24\">stage %d</text>", x, i));
            boxes.append(Html.number("<text x=\"%d\" y=\"42\">%s</text>", x, Html.text(shortened(devices(stage)))));
            for (int row = 0; row < stage.vertices().size(); row++) {
                String vertex = stage.vertices().get(row);
                Place place = new Place(x, HEAD + row * ROW, i);
                places.put(vertex, place);
                boxes.append(Html.number(
                        "<g><title>%s</title><rect class=\"vertex\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"20\" rx=\"3\"/>"
                                + "<text x=\"%d\" y=\"%d\">%s</text></g>",
                        Html.text(vertex), x, place.y(), BOX, x + 8, place.y() + 14, Html.text(shortened(vertex))));
            }
            most = Math.max(most, stage.vertices().size());
        }
        String edges = plan.graph().map(outline -> edges(outline, places)).orElse("");
        return Html.picture(
                "stages",
                "The graph, cut into stages",
                20 + plan.stages().size() * COLUMN,
                HEAD + most * ROW + 16,
                boxes + edges);
    }

    private static String devices(Stage stage) {
        List<String> ids = stage.devices().stream().map(Device::id).toList();
        return "on " + String.join(", ", ids);
    }

    private static String edges(GraphOutline outline, Map<String, Place> places) {
        return outline.vertices().stream()
                .flatMap(part -> part.inputs().stream()
                        .filter(input -> places.containsKey(input) && places.containsKey(part.vertex()))
                        .map(input -> edge(places.get(input), places.get(part.vertex()))))
                .collect(Collectors.joining());
    }

    private static String edge(Place from, Place to) {
        if (from.stage() == to.stage()) {
            if (to.y() - from.y() == ROW) {
                return Html.number(
                        "<line class=\"edge\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>",
                        from.x() + BOX / 2, from.y() + 20, to.x() + BOX / 2, to.y());
            }
            int bend = from.x() + BOX + 4 + Math.min(16, (to.y() - from.y()) / ROW * 2);
            return Html.number(
                    "<path class=\"edge\" d=\"M%d %d C%d %d %d %d %d %d\"/>",
                    from.x() + BOX, from.y() + 10, bend, from.y() + 10, bend, to.y() + 10, to.x() + BOX, to.y() + 10);
        }
        return Html.number(
                "<path class=\"cut\" d=\"M%d %d C%d %d %d %d %d %d\"/>",
                from.x() + BOX,
                from.y() + 10,
                from.x() + BOX + 50,
                from.y() + 10,
                to.x() - 50,
                to.y() + 10,
                to.x(),
                to.y() + 10);
    }

    private static String shortened(String name) {
        return name.length() <= MOST_LETTERS ? name : name.substring(0, MOST_LETTERS - 1) + "…";
    }
}
