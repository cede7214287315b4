package io.github.dl4jpipeline.kernel;

/**
 * How the copies of a graph run some of its vertices in tiles.
 *
 * @param region which vertices, all of one stage
 * @param crew who runs the tiles; one task of that stage at a time calls it
 */
public record TileSetup(TiledRegion region, TileCrew crew) {}
