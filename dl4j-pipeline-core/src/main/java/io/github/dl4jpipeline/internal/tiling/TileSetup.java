package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.Region;
import io.github.dl4jpipeline.internal.stage.RegionRunner;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;

/**
 * How the copies of a graph run some of its vertices in tiles.
 *
 * @param region which vertices, all of one stage
 * @param crew who runs the tiles; one task of that stage at a time calls it
 */
public record TileSetup(TiledRegion region, TileThreads crew) implements Region {
    @Override
    public List<Integer> positions() {
        return region.tiled();
    }

    @Override
    public int exit() {
        return region.exit();
    }

    @Override
    public RegionRunner runner(
            ComputationGraph original, GraphVertex exit, KernelChoice code, boolean workspaces, String name) {
        return new TiledRunner(
                original,
                region,
                exit,
                crew,
                lane -> new TileLane(original, region, code, workspaces, name + "-lane" + lane));
    }
}
