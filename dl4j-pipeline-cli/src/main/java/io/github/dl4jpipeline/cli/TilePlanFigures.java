package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.internal.plan.TilePlan;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.List;

/** What {@code plan --tiles auto --json} writes. */
record TilePlanFigures(
        String grid,
        String from,
        String to,
        List<String> cuts,
        double predictedStepMillis,
        double exchangeMillis,
        long memoryBytes,
        double multiplyAdds,
        double saving) {
    static TilePlanFigures of(TilePlan plan) {
        Tiling tiling = plan.tiling();
        return new TilePlanFigures(
                tiling.grid().toString(),
                tiling.first(),
                tiling.last(),
                tiling.cuts().stream().sorted().toList(),
                plan.stepMillis(),
                plan.exchangeMillis(),
                plan.deviceBytes(),
                plan.cost().repeated(),
                plan.cost().saving());
    }
}
