package io.github.dl4jpipeline.tile;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which vertices of a graph are run in spatial tiles, and in which.
 *
 * @param grid rows and columns of tiles
 * @param first name of the first vertex
 * @param last name of the last vertex, the only one whose output vertices outside may read
 * @param cuts names of the vertices after which a new group begins
 */
public record Tiling(TileGrid grid, String first, String last, Set<String> cuts) {
    public Tiling {
        Given.notNull("grid of a tiling", grid);
        Given.notNull("first vertex of a tiling", first);
        Given.notNull("last vertex of a tiling", last);
        cuts = Set.copyOf(Given.list("cuts of a tiling", cuts));
    }

    /** For people: {@code grid 2x3, from 'conv1' to 'pool4', cut after pool1}. */
    @Override
    public String toString() {
        return "grid " + grid + ", from '" + first + "' to '" + last + "', "
                + (cuts.isEmpty()
                        ? "not cut"
                        : "cut after " + cuts.stream().sorted().collect(Collectors.joining(", ")));
    }
}
