package io.github.dl4jpipeline.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The first 16 layers of YOLOv2: convolutions (output channels, kernel) and max pooling (0). */
final class YoloRegion {
    private static final int[][] LAYERS = {
        {32, 3}, {0}, {64, 3}, {0}, {128, 3}, {64, 1}, {128, 3}, {0}, {256, 3}, {128, 1}, {256, 3}, {0}, {512, 3},
        {256, 1}, {512, 3}, {256, 1}
    };

    private YoloRegion() {}

    static TileRegion region(int rows, int columns, Integer... cutAfter) {
        List<TileVertex> vertices = new ArrayList<>(List.of(TileVertex.source("image", 3)));
        int channels = 3;
        for (int i = 0; i < LAYERS.length; i++) {
            int[] layer = LAYERS[i];
            if (layer[0] == 0) {
                Window window = new Window(2, 2, 0, 1, false);
                vertices.add(new TileVertex("" + i, List.of(i), window, window, channels, 0, false));
            } else {
                Window window = new Window(layer[1], 1, layer[1] / 2, 1, false);
                long multiplyAdds = (long) channels * layer[1] * layer[1];
                channels = layer[0];
                vertices.add(new TileVertex("" + i, List.of(i), window, window, channels, multiplyAdds, false));
            }
        }
        Set<String> cuts = new java.util.HashSet<>();
        for (int cut : cutAfter) {
            cuts.add("" + cut);
        }
        return TileRegion.of(vertices, new TileGrid(rows, columns), cuts);
    }
}
