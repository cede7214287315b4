package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.TileRegion;
import io.github.dl4jpipeline.tile.TileableMaps;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Finds how far from the network's input a graph can be run in tiles. */
public final class TileableVertices {
    private static final int IMAGES = 4;

    private TileableVertices() {}

    /** Reads a graph whose input is as in a batch; nothing unless it has one input of images that one vertex reads. */
    public static TileableMaps of(ComputationGraph graph, MicroBatch batch) {
        INDArray[] features = batch.features();
        VertexGraph vertices = VertexGraph.of(graph);
        List<Vertex> inputs = vertices.vertices().stream()
                .filter(vertex -> vertex.role() == Vertex.Role.INPUT)
                .toList();
        if (inputs.size() != 1
                || vertices.consumers(inputs.get(0).position()).size() != 1
                || features[0].rank() != IMAGES) {
            return TileableMaps.NONE;
        }
        String first = vertices.get(vertices.consumers(inputs.get(0).position()).get(0))
                .name();
        Optional<TiledRegion> longest = Optional.empty();
        List<String> ends = new ArrayList<>();
        for (Vertex vertex : vertices.vertices()) {
            Optional<TiledRegion> region = region(graph, first, vertex.name());
            if (region.isPresent()) {
                longest = region;
                ends.add(vertex.name());
            }
        }
        if (longest.isEmpty()) {
            return TileableMaps.NONE;
        }
        TileRegion tiles = longest.get().tiles();
        return new TileableMaps(
                tiles.vertices(), ends, (int) features[0].size(IMAGES - 2), (int) features[0].size(IMAGES - 1));
    }

    private static Optional<TiledRegion> region(ComputationGraph graph, String first, String last) {
        try {
            return Optional.of(TiledRegion.of(graph, new Tiling(new TileGrid(1, 1), first, last, Set.of())));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // it cannot end there
        }
    }
}
