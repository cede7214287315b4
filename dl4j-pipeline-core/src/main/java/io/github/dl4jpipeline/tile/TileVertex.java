package io.github.dl4jpipeline.tile;

import java.util.List;

/**
 * One vertex of a region that is run in tiles.
 *
 * @param name its name in the graph
 * @param inputs the vertices that it reads, as indices in the region
 * @param rows what an output row sees
 * @param columns what an output column sees
 * @param channels channels of its output
 * @param multiplyAdds multiplications for one value of one output channel; 0 where they are not worth counting
 * @param whole whether it must see its whole input at once, as batch normalization does
 */
public record TileVertex(
        String name,
        List<Integer> inputs,
        Window rows,
        Window columns,
        int channels,
        long multiplyAdds,
        boolean whole) {
    public TileVertex {
        inputs = List.copyOf(inputs);
    }

    /** What the region reads. */
    public static TileVertex source(String name, int channels) {
        return new TileVertex(name, List.of(), Window.POINT, Window.POINT, channels, 0, false);
    }
}
