package io.github.dl4jpipeline.tile;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The vertices of a graph that can be run in tiles, from the one that reads the network's input as far as possible.
 *
 * @param vertices in topological order; the first is the input, which is read and not run
 * @param ends names of the vertices that tiles may end with, in topological order
 * @param height rows of the input
 * @param width columns of the input
 */
public record TileableMaps(List<TileVertex> vertices, List<String> ends, int height, int width) {
    /** No vertex can be run in tiles. */
    public static final TileableMaps NONE = new TileableMaps(List.of(), List.of(), 0, 0);

    static final int MOST_ROWS = 65_536;
    private static final int MOST_VERTICES = 1_000;

    public TileableMaps {
        if (vertices == null
                || ends == null
                || vertices.stream().anyMatch(Objects::isNull)
                || ends.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("Tileable vertices and ends must not be null");
        }
        vertices = List.copyOf(vertices);
        ends = List.copyOf(ends);
        if (vertices.size() > MOST_VERTICES) {
            throw new IllegalArgumentException(
                    "There are at most " + MOST_VERTICES + " tileable vertices, got " + vertices.size());
        }
        Set<String> names = new HashSet<>();
        for (int i = 0; i < vertices.size(); i++) {
            String name = vertices.get(i).name();
            if (!names.add(name)) {
                throw new IllegalArgumentException("Tileable vertex '" + name + "' comes twice");
            }
            if (vertices.get(i).inputs().isEmpty() != (i == 0)) {
                throw new IllegalArgumentException("Tileable vertex '" + name
                        + (i == 0 ? "' is the first and must read no other" : "' must read one that comes before it"));
            }
            if (i > 1 && vertices.get(i).inputs().contains(0)) {
                throw new IllegalArgumentException("Tileable vertex '" + name + "' reads the input '"
                        + vertices.get(0).name() + "', which only '"
                        + vertices.get(1).name() + "' may");
            }
            for (int input : vertices.get(i).inputs()) {
                if (input < 0 || input >= i) {
                    throw new IllegalArgumentException(
                            "Tileable vertex '" + vertices.get(i).name() + "' reads vertex " + input
                                    + " of them, which does not come before it");
                }
            }
        }
        for (String end : ends) {
            if (vertices.stream().skip(1).noneMatch(vertex -> vertex.name().equals(end))) {
                throw new IllegalArgumentException("Tiles may end with '" + end + "', which is not a tileable vertex");
            }
        }
        if (new HashSet<>(ends).size() < ends.size()) {
            throw new IllegalArgumentException("Tiles may end with a vertex only once, got " + ends);
        }
        if (!vertices.isEmpty()) {
            if (Math.min(height, width) < 1 || Math.max(height, width) > MOST_ROWS) {
                throw new IllegalArgumentException("Rows and columns of the tileable input must be between 1 and "
                        + MOST_ROWS + ", got " + height + " and " + width);
            }
            TileGeometry.maps(vertices, height, width);
        }
    }

    public boolean nothing() {
        return ends.isEmpty();
    }

    /** Name of the first vertex that is run. */
    public String first() {
        return vertices.get(1).name();
    }

    /** The vertices of a tiling that begins at the first and ends with one of {@link #ends}. */
    public TileRegion region(Tiling tiling) {
        int last = indexOf(tiling.last());
        Set<Integer> needed = new HashSet<>(Set.of(last));
        for (int i = last; i > 0; i--) {
            if (needed.contains(i)) {
                needed.addAll(vertices.get(i).inputs());
            }
        }
        List<Integer> kept = needed.stream().sorted().toList();
        List<TileVertex> renumbered = new ArrayList<>();
        for (int index : kept) {
            TileVertex vertex = vertices.get(index);
            renumbered.add(vertex.withInputs(
                    vertex.inputs().stream().map(kept::indexOf).toList()));
        }
        return TileRegion.of(renumbered, tiling.grid(), tiling.cuts());
    }

    /** The tiles of a tiling. */
    public TileGeometry geometry(Tiling tiling) {
        return new TileGeometry(region(tiling), height, width);
    }

    private int indexOf(String name) {
        for (int i = 1; i < vertices.size(); i++) {
            if (vertices.get(i).name().equals(name)) {
                return i;
            }
        }
        throw new IllegalArgumentException("Vertex '" + name + "' is not one that can be run in tiles");
    }
}
