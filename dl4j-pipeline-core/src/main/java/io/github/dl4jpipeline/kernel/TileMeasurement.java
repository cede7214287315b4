package io.github.dl4jpipeline.kernel;

import io.github.dl4jpipeline.tile.TileCost;

/**
 * What the tiles of one micro-batch have taken and cost.
 *
 * @param cost counted from the geometry, for one example
 * @param tileBytes measured: the arrays that a tile keeps for its backward pass, all groups together, of the tile that has
 *     most
 * @param examples number of examples of the micro-batch
 * @param valueBytes bytes of one value
 */
public record TileMeasurement(TileCost cost, long tileBytes, long examples, int valueBytes) {

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
