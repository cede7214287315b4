package io.github.dl4jpipeline.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The vertices that are run in tiles, and the groups they are cut into. Within a group every tile runs from the group's
 * input maps to its output maps on its own; between groups maps are put together.
 *
 * @param vertices in topological order; the first is the source, which the region reads and does not run; the rest of
 *     the graph reads only the last
 * @param groups indices of the vertices of each group; a group reads maps of earlier groups and of the source
 * @param grid how each group's output maps are cut
 */
public record TileRegion(List<TileVertex> vertices, List<List<Integer>> groups, TileGrid grid) {
    public TileRegion {
        vertices = List.copyOf(vertices);
        groups = groups.stream().map(List::copyOf).toList();
    }

    /**
     * A region that is cut after some vertices. A vertex that must see its whole input is a group of its own.
     *
     * @param cuts names of vertices after which a new group begins
     */
    public static TileRegion of(List<TileVertex> vertices, TileGrid grid, Set<String> cuts) {
        int[] level = new int[vertices.size()];
        for (int i = 1; i < level.length; i++) {
            TileVertex vertex = vertices.get(i);
            for (int input : vertex.inputs()) {
                TileVertex read = vertices.get(input);
                boolean cut = vertex.whole() || read.whole() || cuts.contains(read.name());
                level[i] = Math.max(level[i], level[input] + (cut && input > 0 ? 1 : 0));
            }
        }
        List<List<Integer>> groups = new ArrayList<>();
        int levels = 1 + IntStream.of(level).max().orElse(0);
        for (int l = 0; l < levels; l++) {
            List<Integer> tiled = new ArrayList<>();
            for (int i = 1; i < level.length; i++) {
                if (level[i] == l && !vertices.get(i).whole()) {
                    tiled.add(i);
                }
            }
            if (!tiled.isEmpty()) {
                groups.add(tiled);
            }
            for (int i = 1; i < level.length; i++) {
                if (level[i] == l && vertices.get(i).whole()) {
                    groups.add(List.of(i));
                }
            }
        }
        return new TileRegion(vertices, groups, grid);
    }

    /** The grid of a group: a group of a vertex that must see its whole input is one tile. */
    public TileGrid gridOf(int group) {
        return vertices.get(groups.get(group).get(0)).whole() ? TileGrid.WHOLE : grid;
    }

    /** Whether a vertex's output is put together, since the rest of the graph or another group reads it. */
    public boolean isMap(int vertex) {
        if (vertex == 0 || vertex == vertices.size() - 1) {
            return true;
        }
        int own = groupOf(vertex);
        return IntStream.range(1, vertices.size())
                .anyMatch(reader -> vertices.get(reader).inputs().contains(vertex) && groupOf(reader) != own);
    }

    /** The group of a vertex; -1 for the source. */
    public int groupOf(int vertex) {
        return IntStream.range(0, groups.size())
                .filter(group -> groups.get(group).contains(vertex))
                .findFirst()
                .orElse(-1);
    }
}
