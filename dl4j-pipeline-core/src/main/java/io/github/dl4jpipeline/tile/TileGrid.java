package io.github.dl4jpipeline.tile;

/** How maps are cut: into rows and columns of tiles, all of the same size except for the last ones, which get the rest. */
public record TileGrid(int rows, int columns) {
    static final TileGrid WHOLE = new TileGrid(1, 1);

    private static final int MOST_TILES = 65_536;

    public TileGrid {
        if (rows < 1 || columns < 1) {
            throw new IllegalArgumentException("A grid needs at least 1 row and 1 column, got " + rows + "x" + columns);
        }
        if ((long) rows * columns > MOST_TILES) {
            throw new IllegalArgumentException(
                    "A grid can have at most " + MOST_TILES + " tiles, got " + rows + "x" + columns);
        }
    }

    public int tiles() {
        return rows * columns;
    }

    /** The part of a map that belongs to a tile, counted row by row; empty if the map is too small for the grid. */
    Area part(int tile, int height, int width) {
        return new Area(slice(tile / columns, rows, height), slice(tile % columns, columns, width));
    }

    private static Interval slice(int index, int count, int size) {
        int step = (size + count - 1) / count;
        return new Interval(Math.min(size, index * step), Math.min(size, (index + 1) * step));
    }

    @Override
    public String toString() {
        return rows + "x" + columns;
    }
}
