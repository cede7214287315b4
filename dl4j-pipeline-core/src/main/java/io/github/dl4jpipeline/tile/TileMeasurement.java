package io.github.dl4jpipeline.tile;

import java.util.List;

/**
 * What the tiles of one micro-batch have taken and cost.
 *
 * @param cost counted from the geometry, for one example
 * @param tileBytes measured: the arrays that a tile keeps for its backward pass, all groups together, of the tile that has
 *     most
 * @param examples number of examples of the micro-batch
 * @param valueBytes bytes of one value
 * @param times by group and tile
 */
public record TileMeasurement(
        TileCost cost, long tileBytes, long examples, int valueBytes, List<List<TileTime>> times) {
    public TileMeasurement {
        times = times.stream().map(List::copyOf).toList();
    }

    /**
     * Measured times of one tile, the shortest of all steps.
     *
     * @param forwardMillis with the copies of its inputs and of its output
     * @param backwardMillis with another forward pass, if the tile's device has several tiles of the group
     */
    public record TileTime(double forwardMillis, double backwardMillis) {}

    /** What {@link #tileBytes} should be, if layers keep nothing but their inputs and outputs. */
    public long countedBytes() {
        return cost.allocatedElements() * examples * valueBytes;
    }

    /** Bytes of the activations without tiles, counted. */
    public long wholeBytes() {
        return cost.wholeElements() * examples * valueBytes;
    }

    /** Bytes that tiles read of the groups' inputs beyond their own parts. */
    public long haloBytes() {
        return cost.haloElements() * examples * valueBytes;
    }
}
