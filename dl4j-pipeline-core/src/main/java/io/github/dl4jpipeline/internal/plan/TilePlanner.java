package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.tile.TileGeometry;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.TileableMaps;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Chooses which vertices to run in tiles, and in which: of the tilings that fit into memory, that with the shortest predicted
 * step. Deeper groups compute more values twice, and more groups exchange more halos and keep more maps whole.
 */
public final class TilePlanner {
    /** Tilings that differ by less are as good as each other, and that with the smallest memory is taken. */
    private static final double SAME = 1.01;

    private static final int MOST_CUTS = 6;
    private static final int MOST_COLUMNS = 6;

    private TilePlanner() {}

    /**
     * Chooses a tiling. It begins at the vertex that reads the network's input.
     *
     * @param profile of the graph, for images of the size that it is trained on
     * @param devices that run tiles; everything else is on the first
     * @param options number of examples, and bandwidth
     * @throws IllegalArgumentException if nothing can be tiled, or no tiling fits into the devices' memory; the message says
     *     why
     */
    public static TilePlan plan(GraphProfile profile, Devices devices, PlanOptions options) {
        if (profile.tileable().nothing()) {
            throw new IllegalArgumentException(
                    "The profile has no vertices that can be run in tiles: there must be one input of images, and the one"
                            + " vertex that reads it must be a convolution, a pooling or the like; else name the first and the"
                            + " last vertex instead");
        }
        List<TilePlan> plans = plans(new TilePredictor(profile, devices, options, 1), profile.tileable(), devices);
        return best(plans, devices).orElseThrow(() -> outOfMemory(plans, devices));
    }

    /**
     * What is expected of a tiling that begins at the vertex that reads the network's input.
     *
     * @param profile of the graph, for images of the size that it is trained on
     * @param devices that run tiles; everything else is on the first
     * @param options number of examples, and bandwidth
     * @throws IllegalArgumentException if the profile's graph cannot be tiled so; the message names the vertex
     */
    public static TilePlan predict(Tiling tiling, GraphProfile profile, Devices devices, PlanOptions options) {
        TileableMaps maps = profile.tileable();
        if (maps.nothing()
                || !maps.first().equals(tiling.first())
                || !maps.ends().contains(tiling.last())) {
            throw new IllegalArgumentException("Tiles can be predicted from the vertex that reads the network's input, "
                    + (maps.nothing() ? "which cannot be tiled" : "'" + maps.first() + "', to one of " + maps.ends())
                    + "; got '" + tiling.first() + "' to '" + tiling.last() + "'");
        }
        return new TilePredictor(profile, devices, options, 1).predict(tiling);
    }

    /**
     * A plan of one stage with tiles, for what does not fit into memory otherwise, with as few micro-batches as fit.
     *
     * @return empty if no tiling fits, or the options ask for more than one stage or replica
     */
    public static Optional<PartitionPlan> insteadOfStages(GraphProfile profile, Devices devices, PlanOptions options) {
        TileableMaps maps = profile.tileable();
        if (maps.nothing()
                || options.stages().orElse(1) > 1
                || options.replicas().orElse(1) > 1
                || options.recompute().orElse(false)) {
            return Optional.empty();
        }
        int examples = options.examples().orElse(profile.examples());
        int least = options.microBatches().orElse(1);
        int most = options.microBatches().orElse(options.together() ? 1 : examples);
        for (long count = least; count <= most; count *= 2) {
            TilePredictor predictor = new TilePredictor(profile, devices, options, (int) count);
            Optional<TilePlan> tiles = best(plans(predictor, maps, devices), devices);
            if (tiles.isPresent()) {
                return Optional.of(predictor.partition(tiles.get()));
            }
        }
        return Optional.empty();
    }

    private static List<TilePlan> plans(TilePredictor predictor, TileableMaps maps, Devices devices) {
        return tilings(maps, devices.size()).stream().map(predictor::predict).toList();
    }

    private static Optional<TilePlan> best(List<TilePlan> plans, Devices devices) {
        List<TilePlan> fitting = plans.stream()
                .filter(plan -> plan.deviceBytes() <= memoryBytes(devices))
                .toList();
        double shortest =
                fitting.stream().mapToDouble(TilePlan::stepMillis).min().orElse(0);
        return fitting.stream()
                .filter(plan -> plan.stepMillis() <= shortest * SAME)
                .min(Comparator.comparingLong(TilePlan::deviceBytes));
    }

    private static long memoryBytes(Devices devices) {
        return devices.list().stream().mapToLong(Device::memoryBytes).min().orElseThrow();
    }

    private static IllegalArgumentException outOfMemory(List<TilePlan> plans, Devices devices) {
        TilePlan smallest = plans.stream()
                .min(Comparator.comparingLong(TilePlan::deviceBytes))
                .orElseThrow();
        return new IllegalArgumentException(String.format(
                Locale.ROOT,
                "No tiling fits into memory: even that which needs least (grid %s, up to '%s') needs %.1f MB on a device"
                        + " of %.1f MB; use a smaller batch, or devices with more memory",
                smallest.tiling().grid(),
                smallest.tiling().last(),
                smallest.deviceBytes() / 1e6,
                memoryBytes(devices) / 1e6));
    }

    /** Every grid with every set of cuts, for each vertex that tiles may end with where maps have become smaller. */
    private static List<Tiling> tilings(TileableMaps maps, int devices) {
        String longest = maps.ends().get(maps.ends().size() - 1);
        Set<String> shrinking = shrinking(maps, longest);
        List<Tiling> tilings = new ArrayList<>();
        for (String end : maps.ends()) {
            if (!end.equals(longest) && !shrinking.contains(end)) {
                continue;
            }
            Tiling whole = new Tiling(new TileGrid(1, 1), maps.first(), end, Set.of());
            List<String> cuts = maps.region(whole).vertices().stream()
                    .map(TileVertex::name)
                    .filter(name -> shrinking.contains(name) && !name.equals(end))
                    .toList();
            addTilings(tilings, whole, cuts, devices);
        }
        return tilings;
    }

    /** The vertices whose maps are smaller than those they read. */
    private static Set<String> shrinking(TileableMaps maps, String last) {
        TileGeometry geometry = maps.geometry(new Tiling(new TileGrid(1, 1), maps.first(), last, Set.of()));
        List<TileVertex> vertices = geometry.region().vertices();
        Set<String> shrinking = new LinkedHashSet<>();
        for (int i = 1; i < vertices.size(); i++) {
            int input = vertices.get(i).inputs().get(0);
            if (geometry.map(i).elements() < geometry.map(input).elements()) {
                shrinking.add(vertices.get(i).name());
            }
        }
        return shrinking;
    }

    private static void addTilings(List<Tiling> tilings, Tiling whole, List<String> cuts, int devices) {
        int count = Math.min(MOST_CUTS, cuts.size());
        for (int set = 0; set < 1 << count; set++) {
            List<String> chosen = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                if ((set >> i & 1) == 1) {
                    chosen.add(cuts.get(i));
                }
            }
            for (TileGrid grid : grids(devices)) {
                tilings.add(new Tiling(grid, whole.first(), whole.last(), Set.copyOf(chosen)));
            }
        }
    }

    /** A tile for each device, of whole rows, which lie together in memory; and grids as high as wide or a row higher. */
    private static Set<TileGrid> grids(int devices) {
        Set<TileGrid> grids = new LinkedHashSet<>();
        grids.add(new TileGrid(Math.max(2, devices), 1));
        for (int columns = 1; columns <= MOST_COLUMNS; columns++) {
            for (int rows = Math.max(2, columns); rows <= columns + 1; rows++) {
                grids.add(new TileGrid(rows, columns));
            }
        }
        return grids;
    }
}
