package io.github.dl4jpipeline.tile;

import java.util.List;
import java.util.Objects;

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
    private static final int MOST_CHANNELS = 1_000_000;
    private static final long MOST_MULTIPLY_ADDS = 1_000_000_000_000L;

    public TileVertex {
        if (name == null || rows == null || columns == null || inputs == null) {
            throw new IllegalArgumentException("A tileable vertex needs name, inputs, rows and columns, got " + name
                    + ", " + inputs + ", " + rows + " and " + columns);
        }
        if (inputs.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("Tileable vertex '" + name + "' reads null");
        }
        inputs = List.copyOf(inputs);
        if (channels < 0 || channels > MOST_CHANNELS) {
            throw new IllegalArgumentException("Tileable vertex '" + name + "': channels must be between 0 and "
                    + MOST_CHANNELS + ", got " + channels);
        }
        if (multiplyAdds < 0 || multiplyAdds > MOST_MULTIPLY_ADDS) {
            throw new IllegalArgumentException("Tileable vertex '" + name + "': multiplyAdds must be between 0 and "
                    + MOST_MULTIPLY_ADDS + ", got " + multiplyAdds);
        }
    }

    /** What the region reads. */
    public static TileVertex source(String name, int channels) {
        return new TileVertex(name, List.of(), Window.POINT, Window.POINT, channels, 0, false);
    }

    TileVertex withInputs(List<Integer> others) {
        return new TileVertex(name, others, rows, columns, channels, multiplyAdds, whole);
    }
}
