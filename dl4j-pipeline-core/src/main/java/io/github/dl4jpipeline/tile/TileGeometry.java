package io.github.dl4jpipeline.tile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** The tiles of a region for one size of its input. */
public final class TileGeometry {
    private final TileRegion region;
    private final Area[] maps;
    private final boolean[] isMap;
    private final List<List<List<TilePart>>> tiles = new ArrayList<>();

    /**
     * Computes all tiles.
     *
     * @param height rows of the region's input
     * @param width columns of the region's input
     * @throws IllegalArgumentException if a layer has no output for that size
     */
    public TileGeometry(TileRegion region, int height, int width) {
        this.region = region;
        this.maps = maps(region.vertices(), height, width);
        this.isMap = new boolean[maps.length];
        for (int vertex = 0; vertex < maps.length; vertex++) {
            isMap[vertex] = region.isMap(vertex);
        }
        for (int group = 0; group < region.groups().size(); group++) {
            List<List<TilePart>> ofGroup = new ArrayList<>();
            for (int tile = 0; tile < region.gridOf(group).tiles(); tile++) {
                ofGroup.add(parts(group, tile));
            }
            tiles.add(List.copyOf(ofGroup));
        }
    }

    /**
     * The whole map of each vertex.
     *
     * @throws IllegalArgumentException if a vertex has no output for that size, or too large a one, or maps of different
     *     sizes as inputs
     */
    static Area[] maps(List<TileVertex> vertices, int height, int width) {
        Area[] maps = new Area[vertices.size()];
        maps[0] = Area.all(height, width);
        for (int i = 1; i < maps.length; i++) {
            TileVertex vertex = vertices.get(i);
            Area input = maps[vertex.inputs().get(0)];
            maps[i] = Area.all(
                    vertex.rows().outputs(input.rows().size()),
                    vertex.columns().outputs(input.columns().size()));
            for (int other : vertex.inputs()) {
                if (!maps[other].equals(input)) {
                    throw new IllegalArgumentException("Vertex '" + vertex.name()
                            + "' cannot be run in tiles: its inputs are maps of different sizes");
                }
            }
            if (maps[i].isEmpty()) {
                throw new IllegalArgumentException("Vertex '" + vertex.name() + "' has no output for an input of "
                        + input.rows().size() + "x" + input.columns().size());
            }
            if (Math.max(maps[i].rows().size(), maps[i].columns().size()) > TileableMaps.MOST_ROWS) {
                throw new IllegalArgumentException("Vertex '" + vertex.name() + "' cannot be run in tiles: it has an"
                        + " output of " + maps[i].rows().size() + "x"
                        + maps[i].columns().size() + ", and at most "
                        + TileableMaps.MOST_ROWS + " rows and columns are possible");
            }
        }
        return maps;
    }

    /** What a tile computes, backward from its part of the group's output maps; then in topological order. */
    private List<TilePart> parts(int group, int tile) {
        List<Integer> vertices = region.groups().get(group);
        Area[] needed = new Area[maps.length];
        Arrays.fill(needed, Area.EMPTY);
        List<TilePart> parts = new ArrayList<>();
        for (int i = vertices.size() - 1; i >= 0; i--) {
            int index = vertices.get(i);
            Area own = isMap[index] ? region.gridOf(group).part(tile, height(index), width(index)) : Area.EMPTY;
            Area area = needed[index].hull(own);
            if (area.isEmpty()) {
                continue;
            }
            List<Patch> inputs = new ArrayList<>();
            for (int input : region.vertices().get(index).inputs()) {
                Patch patch = patch(index, area, input);
                inputs.add(patch);
                needed[input] = needed[input].hull(patch.area());
            }
            parts.add(new TilePart(index, area, own, inputs));
        }
        Collections.reverse(parts);
        return List.copyOf(parts);
    }

    private Patch patch(int index, Area area, int input) {
        TileVertex vertex = region.vertices().get(index);
        if (vertex.whole()) {
            return Patch.of(input, maps[input], height(input), width(input));
        }
        Area inputs = new Area(
                vertex.rows().needed(area.rows(), height(input)),
                vertex.columns().needed(area.columns(), width(input)));
        return Patch.of(input, inputs, height(input), width(input));
    }

    public TileRegion region() {
        return region;
    }

    /** Rows of a vertex's whole map. */
    public int height(int vertex) {
        return maps[vertex].rows().size();
    }

    /** Columns of a vertex's whole map. */
    public int width(int vertex) {
        return maps[vertex].columns().size();
    }

    /** Number of tiles of a group. */
    public int tiles(int group) {
        return tiles.get(group).size();
    }

    /** A tile of a group. */
    public TileTask task(int group, int tile) {
        return new TileTask(this, group, tile);
    }

    List<TilePart> tile(int group, int tile) {
        return tiles.get(group).get(tile);
    }

    /** All of a vertex's map. */
    public Area map(int vertex) {
        return maps[vertex];
    }

    /** Values of a vertex's whole map, all channels. */
    public long mapElements(int vertex) {
        return maps[vertex].elements() * region.vertices().get(vertex).channels();
    }
}
