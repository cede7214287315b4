package io.github.dl4jpipeline.tile;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What tiling costs and saves, counted for one example.
 *
 * @param multiplyAdds of the convolutions of all tiles, forward
 * @param wholeMultiplyAdds the same without tiles
 * @param tileElements values of the activations of the tile that has most: all groups' inputs and what each vertex puts
 *     out
 * @param allocatedElements the same of the tile that allocates most, plus its copies of inputs: those cut out of a
 *     map, and those with padding
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
            for (int tile = 0; tile < geometry.tiles(group); tile++) {
                TileLoad load = TileLoad.of(geometry.task(group, tile));
                multiplyAdds += load.multiplyAdds();
                halo += load.inputElements();
                ofTile[tile] += load.inputElements() + load.outputElements();
                allocated[tile] += load.outputElements() + load.copiedElements();
            }
            halo -= inputsOf(region, group).mapToLong(geometry::mapElements).sum();
        }
        long whole = 0;
        long wholeMultiplyAdds = 0;
        for (int vertex = 0; vertex < region.vertices().size(); vertex++) {
            whole += geometry.mapElements(vertex);
            wholeMultiplyAdds +=
                    geometry.mapElements(vertex) * region.vertices().get(vertex).multiplyAdds();
        }
        return new TileCost(
                multiplyAdds, wholeMultiplyAdds, largest(ofTile), largest(allocated), whole, Math.max(0, halo));
    }

    /** The vertices whose maps a group reads. */
    private static IntStream inputsOf(TileRegion region, int group) {
        List<Integer> vertices = region.groups().get(group);
        return vertices.stream()
                .flatMap(vertex -> region.vertices().get(vertex).inputs().stream())
                .filter(input -> !vertices.contains(input))
                .mapToInt(Integer::intValue)
                .distinct();
    }

    private static long largest(long[] values) {
        return Arrays.stream(values).max().orElse(0);
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
