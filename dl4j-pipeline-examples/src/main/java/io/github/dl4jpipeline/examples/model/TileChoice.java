package io.github.dl4jpipeline.examples.model;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.TilePlan;
import io.github.dl4jpipeline.plan.TilePlanner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.tile.FusedTiling;
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

    /**
     * The fastest tiles for a model.
     *
     * @param profile of the model
     * @throws IllegalArgumentException if nothing can be tiled, or no tiling fits into memory
     */
    public static TilePlan plan(NamedModel model, GraphProfile profile, Devices devices, PlanOptions options) {
        return TilePlanner.plan(model.graph(), model.images().features(1), profile, devices, options);
    }
}
