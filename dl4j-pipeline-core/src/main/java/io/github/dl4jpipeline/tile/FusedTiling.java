package io.github.dl4jpipeline.tile;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which vertices of a graph are run in spatial tiles, and in which.
 *
 * <pre>{@code
 * FusedTiling.grid(2, 3).from("conv1").to("pool4").cutAfter("pool1", "pool2")
 * }</pre>
 *
 * <p>The vertices from {@code from} to {@code to}, with all between them, are run tile by tile, forward and backward. A
 * tile runs through a whole group of them before the next begins, so of a group's inner activations only one tile's are
 * in memory for each device that works. Tiles overlap within a group, the more the deeper it is; a cut ends that, but the
 * activations at the cut are kept whole.
 *
 * @param grid rows and columns of tiles
 * @param first name of the first vertex, from {@link #from}
 * @param last name of the last vertex, from {@link #to}
 * @param cuts names of the vertices after which a new group begins
 */
public record FusedTiling(TileGrid grid, Optional<String> first, Optional<String> last, Set<String> cuts) {
    public FusedTiling {
        cuts = Set.copyOf(cuts);
    }

    /** A grid of tiles. The tiled vertices are still to be named. */
    public static FusedTiling grid(int rows, int columns) {
        return new FusedTiling(new TileGrid(rows, columns), Optional.empty(), Optional.empty(), Set.of());
    }

    /** Begins at a vertex, which must have one input. */
    public FusedTiling from(String vertex) {
        return new FusedTiling(grid, Optional.of(vertex), last, cuts);
    }

    /** Ends with a vertex, the only one whose output vertices outside may read. */
    public FusedTiling to(String vertex) {
        return new FusedTiling(grid, first, Optional.of(vertex), cuts);
    }

    /** Begins a new group after each of these vertices. */
    public FusedTiling cutAfter(String... vertices) {
        Set<String> all = new LinkedHashSet<>(cuts);
        all.addAll(List.of(vertices));
        return new FusedTiling(grid, first, last, all);
    }
}
