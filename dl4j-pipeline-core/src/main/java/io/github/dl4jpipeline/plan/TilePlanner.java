package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.TiledRegion;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.tile.FusedTiling;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.TileVertex;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Chooses which vertices to run in tiles, and in which: of the tilings that fit into memory, that with the shortest predicted
 * step. Deeper groups compute more values twice, and more groups exchange more halos and keep more maps whole.
 */
public final class TilePlanner {
    /** Tilings that differ by less are as good as each other, and that with the smallest memory is taken. */
    private static final double SAME = 1.01;

    private static final int MOST_CUTS = 6;
    private static final int MOST_ROWS = 6;

    private TilePlanner() {}

    /**
     * Chooses a tiling. It begins at the vertex that reads the network's input.
     *
     * @param graph an initialised graph with one input
     * @param features shape of its input: examples, channels, height, width
     * @param profile of the graph
     * @param devices that run tiles; everything else is on the first
     * @param options number of examples, and bandwidth
     * @throws IllegalArgumentException if nothing can be tiled, or no tiling fits into the devices' memory; the message says
     *     why
     */
    public static TilePlan plan(
            ComputationGraph graph, long[] features, GraphProfile profile, Devices devices, PlanOptions options) {
        int height = (int) features[2];
        int width = (int) features[3];
        TilePredictor predictor = new TilePredictor(
                profile,
                devices,
                options,
                graph.getConfiguration().getDataType().width());
        List<TilePlan> plans = new ArrayList<>();
        for (FusedTiling tiling : tilings(graph, height, width, devices.size())) {
            plans.add(predictor.predict(tiling, TiledRegion.of(graph, tiling), height, width));
        }
        long memory =
                devices.list().stream().mapToLong(Device::memoryBytes).min().orElseThrow();
        List<TilePlan> fitting =
                plans.stream().filter(plan -> plan.deviceBytes() <= memory).toList();
        if (fitting.isEmpty()) {
            TilePlan smallest = plans.stream()
                    .min(Comparator.comparingLong(TilePlan::deviceBytes))
                    .orElseThrow();
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "No tiling fits into memory: even that which needs least (grid %s, up to '%s') needs %.1f MB on a device"
                            + " of %.1f MB; use a smaller batch, or devices with more memory",
                    smallest.tiling().grid(),
                    smallest.tiling().last().orElseThrow(),
                    smallest.deviceBytes() / 1e6,
                    memory / 1e6));
        }
        double shortest =
                fitting.stream().mapToDouble(TilePlan::stepMillis).min().orElseThrow();
        return fitting.stream()
                .filter(plan -> plan.stepMillis() <= shortest * SAME)
                .min(Comparator.comparingLong(TilePlan::deviceBytes))
                .orElseThrow();
    }

    /** Every grid with every set of cuts, for each vertex that tiles may end with. */
    private static List<FusedTiling> tilings(ComputationGraph graph, int height, int width, int devices) {
        VertexGraph vertices = VertexGraph.of(graph);
        String from = first(vertices);
        FusedTiling whole = FusedTiling.grid(1, 1).from(from);
        String last = from;
        TiledRegion region = TiledRegion.of(graph, whole.to(from)); // says why, if not even that can be tiled
        for (Vertex vertex : vertices.vertices()) {
            Optional<TiledRegion> further = regionTo(graph, whole, vertex);
            if (further.isPresent()) {
                last = vertex.name();
                region = further.get();
            }
        }
        List<String> shrinking = TilePredictor.shrinking(region, height, width);
        Set<String> ends = new LinkedHashSet<>(shrinking);
        ends.add(last);
        List<FusedTiling> tilings = new ArrayList<>();
        for (String to : ends) {
            regionTo(graph, whole, vertices.get(to)).ifPresent(tiled -> {
                List<String> cuts = tiled.tiles().vertices().stream()
                        .map(TileVertex::name)
                        .filter(name -> shrinking.contains(name) && !name.equals(to))
                        .toList();
                addTilings(tilings, whole.to(to), cuts, devices);
            });
        }
        return tilings;
    }

    private static String first(VertexGraph vertices) {
        List<Vertex> inputs = vertices.vertices().stream()
                .filter(vertex -> vertex.role() == Vertex.Role.INPUT)
                .toList();
        if (inputs.size() != 1 || vertices.consumers(inputs.get(0).position()).size() != 1) {
            throw new IllegalArgumentException(
                    "Tiles can be chosen for graphs with one input that one vertex reads; name"
                            + " the first and last vertex instead");
        }
        return vertices.get(vertices.consumers(inputs.get(0).position()).get(0)).name();
    }

    private static Optional<TiledRegion> regionTo(ComputationGraph graph, FusedTiling tiling, Vertex last) {
        try {
            return Optional.of(TiledRegion.of(graph, tiling.to(last.name())));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static void addTilings(List<FusedTiling> tilings, FusedTiling whole, List<String> cuts, int devices) {
        int count = Math.min(MOST_CUTS, cuts.size());
        for (int set = 0; set < 1 << count; set++) {
            List<String> chosen = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                if ((set >> i & 1) == 1) {
                    chosen.add(cuts.get(i));
                }
            }
            for (TileGrid grid : grids(devices)) {
                tilings.add(new FusedTiling(grid, whole.first(), whole.last(), Set.copyOf(chosen)));
            }
        }
    }

    /** A row of a tile for each device, and grids that are as high as wide or nearly so. */
    private static Set<TileGrid> grids(int devices) {
        Set<TileGrid> grids = new LinkedHashSet<>();
        grids.add(new TileGrid(1, Math.max(2, devices)));
        for (int rows = 1; rows <= MOST_ROWS; rows++) {
            for (int columns = Math.max(2, rows); columns <= rows + 1; columns++) {
                grids.add(new TileGrid(rows, columns));
            }
        }
        return grids;
    }
}
