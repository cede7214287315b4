package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.tile.TileCost;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.Locale;

/**
 * A tiling, and what is expected of it.
 *
 * @param tiling which vertices are run in tiles, and in which
 * @param cost counted from the geometry, for one example
 * @param stepMillis predicted time of the forward and backward passes of a step
 * @param exchangeMillis the part of it for which devices wait for halos, maps and gradients of others
 * @param deviceBytes predicted memory of the device that has most: parameters, gradients, updater state, activations
 */
public record TilePlan(Tiling tiling, TileCost cost, double stepMillis, double exchangeMillis, long deviceBytes) {

    /** For people. */
    public String explain() {
        return String.format(
                Locale.ROOT,
                "Tiles: %s%n"
                        + "Predicted step %.1f ms, %.1f ms of it exchange; %.2f times the multiply-adds%n"
                        + "Memory of a device %.1f MB; activations of a tile %.1f times smaller than those of the whole%n",
                tiling,
                stepMillis,
                exchangeMillis,
                cost.repeated(),
                deviceBytes / 1e6,
                cost.saving());
    }
}
