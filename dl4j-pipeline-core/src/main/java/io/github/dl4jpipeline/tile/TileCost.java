package io.github.dl4jpipeline.tile;

import java.util.Arrays;
import java.util.List;

/**
 * What tiling costs and saves, counted for one example.
 *
 * @param multiplyAdds of the convolutions of all tiles, forward
 * @param wholeMultiplyAdds the same without tiles
 * @param tileElements values of the activations of the tile that has most: all groups' inputs and what each vertex puts
 *     out
 * @param allocatedElements the same of the tile that allocates most, with the copies that a tile makes of inputs, to cut
 *     them out of a map or to put padding around them
 * @param wholeElements the same without tiles
 * @param haloElements values that tiles read of the groups' input maps beyond the parts that a grid without overlap
 *     would give them, all tiles together
 */
public record TileCost(
        long multiplyAdds,
        long wholeMultiplyAdds,
        long tileElements,
        long allocatedElements,
        long wholeElements,
        long haloElements) {

    /** Counts the tiles of a region. */
    public static TileCost of(TileGeometry geometry) {
        TileRegion region = geometry.region();
        long multiplyAdds = 0;
        long halo = 0;
        long[] ofTile = new long[region.grid().tiles()];
        long[] allocated = new long[region.grid().tiles()];
        for (int group = 0; group < region.groups().size(); group++) {
            boolean[] read = new boolean[region.vertices().size()];
            for (int tile = 0; tile < geometry.tiles(group); tile++) {
                List<TilePart> parts = geometry.tile(group, tile);
                multiplyAdds += parts.stream()
                        .mapToLong(part ->
                                multiplyAdds(region, part.vertex(), part.area().elements()))
                        .sum();
                long inputs = inputElements(region, group, parts, read);
                halo += inputs;
                long outputs = outputElements(region, parts);
                ofTile[tile] += inputs + outputs;
                allocated[tile] += outputs + copiedElements(geometry, geometry.task(group, tile));
            }
            for (int vertex = 0; vertex < read.length; vertex++) {
                halo -= read[vertex] ? geometry.mapElements(vertex) : 0;
            }
        }
        long whole = 0;
        long wholeMultiplyAdds = 0;
        for (int vertex = 0; vertex < region.vertices().size(); vertex++) {
            whole += geometry.mapElements(vertex);
            wholeMultiplyAdds += multiplyAdds(region, vertex, (long) geometry.height(vertex) * geometry.width(vertex));
        }
        return new TileCost(
                multiplyAdds, wholeMultiplyAdds, largest(ofTile), largest(allocated), whole, Math.max(0, halo));
    }

    private static long largest(long[] values) {
        return Arrays.stream(values).max().orElse(0);
    }

    private static long copiedElements(TileGeometry geometry, TileTask task) {
        Area[] areas = new Area[geometry.region().vertices().size()];
        long elements = 0;
        for (TilePart part : task.parts()) {
            for (Patch patch : part.inputs()) {
                int vertex = patch.vertex();
                if (patch.isCopied(task.runs(vertex) ? areas[vertex] : geometry.map(vertex))) {
                    elements += patch.elements()
                            * geometry.region().vertices().get(vertex).channels();
                }
            }
            areas[part.vertex()] = part.area();
        }
        return elements;
    }

    private static long multiplyAdds(TileRegion region, int vertex, long elements) {
        TileVertex tiled = region.vertices().get(vertex);
        return elements * tiled.channels() * tiled.multiplyAdds();
    }

    private static long outputElements(TileRegion region, List<TilePart> parts) {
        return parts.stream()
                .mapToLong(part -> part.area().elements()
                        * region.vertices().get(part.vertex()).channels())
                .sum();
    }

    /** What a tile reads of the maps of earlier groups; marks these. */
    private static long inputElements(TileRegion region, int group, List<TilePart> parts, boolean[] read) {
        Area[] areas = new Area[region.vertices().size()];
        for (TilePart part : parts) {
            for (Patch patch : part.inputs()) {
                if (region.groupOf(patch.vertex()) != group) {
                    Area before = areas[patch.vertex()];
                    areas[patch.vertex()] = before == null ? patch.area() : before.hull(patch.area());
                    read[patch.vertex()] = true;
                }
            }
        }
        long elements = 0;
        for (int vertex = 0; vertex < areas.length; vertex++) {
            if (areas[vertex] != null) {
                elements +=
                        areas[vertex].elements() * region.vertices().get(vertex).channels();
            }
        }
        return elements;
    }

    /** How many times as many multiplications as without tiles. */
    public double repeated() {
        return wholeMultiplyAdds == 0 ? 1 : (double) multiplyAdds / wholeMultiplyAdds;
    }

    /** How many times less activation memory the largest tile needs than the whole. */
    public double saving() {
        return (double) wholeElements / tileElements;
    }
}
