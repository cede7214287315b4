package io.github.dl4jpipeline.tile;

import java.util.List;

/**
 * One tile of a group.
 *
 * @param geometry all tiles of the region
 * @param group its group
 * @param tile its number in the group's grid, counted row by row
 */
public record TileTask(TileGeometry geometry, int group, int tile) {

    /** What it computes, in topological order; nothing if the group's maps are too small for the grid. */
    public List<TilePart> parts() {
        return geometry.tile(group, tile);
    }

    /** Whether the group itself runs a vertex; otherwise it reads the vertex's whole map. */
    public boolean runs(int vertex) {
        return geometry.region().groupOf(vertex) == group;
    }

    /** For people. */
    @Override
    public String toString() {
        int columns = geometry.region().gridOf(group).columns();
        return "tile (" + tile / columns + ", " + tile % columns + ") of group " + group;
    }
}
