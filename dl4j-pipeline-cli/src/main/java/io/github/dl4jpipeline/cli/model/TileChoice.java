package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.plan.FusedTiling;
import java.util.Optional;

/**
 * Which vertices are run in tiles.
 *
 * @param named what the user names; empty for no tiles, or for those that are expected to be the fastest
 * @param chosen whether they are chosen by predicted time and memory
 */
public record TileChoice(Optional<FusedTiling> named, boolean chosen) {
    /** No tiles. */
    public static final TileChoice NONE = new TileChoice(Optional.empty(), false);

    /** The fastest tiles that fit into memory, as predicted. */
    public static final TileChoice AUTO = new TileChoice(Optional.empty(), true);

    /** Tiles that the user names. */
    public static TileChoice of(FusedTiling tiling) {
        return new TileChoice(Optional.of(tiling), false);
    }
}
