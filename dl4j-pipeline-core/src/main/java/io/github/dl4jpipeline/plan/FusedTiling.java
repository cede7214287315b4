package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Which vertices of a graph are to be run in spatial tiles, and in which.
 *
 * <pre>{@code
 * FusedTiling.grid(2, 3).from("conv1").to("pool4").cutAfter("pool1", "pool2")
 * }</pre>
 *
 * <p>The vertices from {@code from} to {@code to}, with all between them, are run tile by tile, forward and backward.
 * A tile runs through a whole group of vertices before the next tile begins. So each device that works holds the
 * inner activations of one tile only. Tiles overlap within a group, and the overlap grows with its depth. A cut ends
 * the overlap, but the activations at the cut are kept whole [Rama, Threadgill, Gerstlauer, arXiv:2409.09083].
 *
 * @param grid rows and columns of tiles
 * @param first name of the first vertex, from {@link #from}
 * @param last name of the last vertex, from {@link #to}
 * @param cuts names of the vertices after which a new group begins
 */
public record FusedTiling(TileGrid grid, Optional<String> first, Optional<String> last, Set<String> cuts) {
    public FusedTiling {
        Given.notNull("grid", grid);
        Given.notNull("from", first);
        Given.notNull("to", last);
        cuts = Set.copyOf(Given.list("cutAfter", cuts));
    }

    /** A grid of tiles. The tiled vertices are still to be named. */
    public static FusedTiling grid(int rows, int columns) {
        return new FusedTiling(new TileGrid(rows, columns), Optional.empty(), Optional.empty(), Set.of());
    }

    /**
     * The tiling with the shortest predicted step of those that fit into the devices' memory, for batches as large as the
     * profile's. It begins at the vertex that reads the network's input.
     *
     * @param profile of the graph
     * @param devices that run tiles; everything else is on the first
     * @throws IllegalArgumentException if nothing can be tiled, or no tiling fits; the message says why
     */
    public static FusedTiling auto(GraphProfile profile, Devices devices) {
        return of(TilePlanner.plan(
                        Given.notNull("profile", profile), Given.notNull("devices", devices), PlanOptions.defaults())
                .tiling());
    }

    /** A tiling that a planner has made. */
    public static FusedTiling of(Tiling tiling) {
        Given.notNull("tiling", tiling);
        return new FusedTiling(tiling.grid(), Optional.of(tiling.first()), Optional.of(tiling.last()), tiling.cuts());
    }

    /** Begins at a vertex, which must have one input. */
    public FusedTiling from(String vertex) {
        return new FusedTiling(grid, Optional.of(Given.notNull("from", vertex)), last, cuts);
    }

    /** Ends with a vertex, the only one whose output vertices outside may read. */
    public FusedTiling to(String vertex) {
        return new FusedTiling(grid, first, Optional.of(Given.notNull("to", vertex)), cuts);
    }

    /** Begins a new group after each of these vertices. */
    public FusedTiling cutAfter(String... vertices) {
        Set<String> all = new LinkedHashSet<>(cuts);
        all.addAll(Given.list("cutAfter", Arrays.asList(Given.notNull("cutAfter", vertices))));
        return new FusedTiling(grid, first, last, all);
    }

    /**
     * What has been asked for.
     *
     * @throws IllegalArgumentException if the first or the last vertex has not been named
     */
    public Tiling tiling() {
        return new Tiling(grid, named(first, "from"), named(last, "to"), cuts);
    }

    private static String named(Optional<String> vertex, String method) {
        return vertex.orElseThrow(() -> new IllegalArgumentException(
                "The tiling does not say which vertices are tiled; call " + method + "(vertex)"));
    }
}
