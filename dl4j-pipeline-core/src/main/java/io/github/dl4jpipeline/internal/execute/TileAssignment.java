package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import io.github.dl4jpipeline.internal.tiling.TileThreads;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Finds the devices that run tiles: that of the tiled stage, and those that no stage uses. */
public final class TileAssignment {
    private TileAssignment() {}

    /**
     * Makes sure that a plan has the tiled vertices in one stage, which keeps their activations.
     *
     * @throws IllegalArgumentException if it has not
     */
    public static void check(TiledRegion region, PartitionPlan plan, VertexGraph vertices) {
        stage(region, plan, StageAssignment.of(plan, vertices));
    }

    /**
     * Assigns tiles to devices. With several replicas of the tiled stage, each runs its tiles on its own device.
     *
     * @param devices all there are
     * @throws IllegalArgumentException as {@link #check}
     */
    static TileSetup of(
            TiledRegion region, PartitionPlan plan, StageAssignment stages, List<Device> devices, String name) {
        int stage = stage(region, plan, stages);
        Set<String> used = plan.stages().stream()
                .map(Stage::devices)
                .flatMap(List::stream)
                .map(Device::id)
                .collect(Collectors.toSet());
        List<Device> free = plan.stages().get(stage).replicas() > 1
                ? List.of()
                : devices.stream().filter(device -> !used.contains(device.id())).toList();
        return new TileSetup(region, new TileThreads(name, free));
    }

    private static int stage(TiledRegion region, PartitionPlan plan, StageAssignment stages) {
        int stage = stages.stageOf(region.tiled().get(0));
        for (int position : region.tiled()) {
            if (stages.stageOf(position) != stage) {
                throw new IllegalArgumentException(String.format(
                        "tiling: vertices '%s' of stage %d and '%s' of stage %d are run in tiles together; use a plan that has them"
                                + " in one stage, or leave stages out",
                        stages.vertices().get(region.tiled().get(0)).name(),
                        stage,
                        stages.vertices().get(position).name(),
                        stages.stageOf(position)));
            }
        }
        if (plan.stages().get(stage).recompute()) {
            throw new IllegalArgumentException("tiling: stage " + stage
                    + " computes its activations again, but tiles keep theirs; use a plan in which it does not");
        }
        return stage;
    }
}
