package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.tile.TileRegion;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * The vertices of a graph that are run in tiles.
 *
 * @param tiles their geometry
 * @param positions by index in the region, positions in the graph; the first is what the region reads
 */
public record TiledRegion(TileRegion tiles, List<Integer> positions) {
    public TiledRegion {
        positions = List.copyOf(positions);
    }

    /**
     * Finds the vertices that a tiling names, and what is between them.
     *
     * @throws IllegalArgumentException if one of them cannot be run in tiles; the message names it
     */
    public static TiledRegion of(ComputationGraph graph, Tiling tiling) {
        VertexGraph vertices = VertexGraph.of(graph);
        Vertex first = vertices.get(tiling.first());
        Vertex last = vertices.get(tiling.last());
        Set<Integer> inside = between(vertices, first.position(), last.position());
        if (inside.isEmpty()) {
            throw new IllegalArgumentException("No path leads from vertex '" + first.name() + "' to '" + last.name()
                    + "', so nothing can be tiled");
        }
        if (first.inputs().size() != 1) {
            throw new IllegalArgumentException("Tiling begins at vertex '" + first.name() + "', which has "
                    + first.inputs().size() + " inputs; begin it at a vertex with one");
        }
        List<Integer> positions = new ArrayList<>(List.of(first.inputs().get(0)));
        positions.addAll(inside);
        requireClosed(vertices, positions, last.position());
        TileReader reader = new TileReader(graph, vertices);
        List<TileVertex> read = new ArrayList<>();
        for (int position : positions) {
            read.add(read.isEmpty() ? reader.source(position) : reader.read(position, positions));
        }
        for (String cut : tiling.cuts()) {
            if (!inside.contains(vertices.get(cut).position())) {
                throw new IllegalArgumentException("The tiling is cut after vertex '" + cut
                        + "', which is not between '" + first.name() + "' and '" + last.name() + "'");
            }
        }
        return new TiledRegion(TileRegion.of(read, tiling.grid(), tiling.cuts()), positions);
    }

    /** The vertices on any path from one to another, in topological order. */
    private static Set<Integer> between(VertexGraph vertices, int first, int last) {
        Set<Integer> after = new TreeSet<>(Set.of(first));
        for (int position = first + 1; position <= last; position++) {
            if (vertices.get(position).inputs().stream().anyMatch(after::contains)) {
                after.add(position);
            }
        }
        Set<Integer> before = new HashSet<>(Set.of(last));
        for (int position = last - 1; position >= first; position--) {
            if (vertices.consumers(position).stream().anyMatch(before::contains)) {
                before.add(position);
            }
        }
        after.retainAll(before);
        return after;
    }

    /** By index in the region, whether a vertex runs backward. */
    boolean[] runsBackward(VertexGraph vertices) {
        boolean[] runs = new boolean[positions.size()];
        for (int i = 0; i < runs.length; i++) {
            runs[i] = vertices.get(positions.get(i)).runsBackward();
        }
        return runs;
    }

    private static void requireClosed(VertexGraph vertices, List<Integer> positions, int last) {
        for (int position : positions.subList(1, positions.size())) {
            Vertex vertex = vertices.get(position);
            if (vertex.role() == Vertex.Role.FROZEN || vertex.role() == Vertex.Role.OUTPUT) {
                throw new IllegalArgumentException("Vertex '" + vertex.name() + "' is "
                        + (vertex.role() == Vertex.Role.FROZEN ? "frozen" : "a network output")
                        + ", so it cannot be tiled; begin the tiling after it or end it before");
            }
            for (int input : vertex.inputs()) {
                if (!positions.contains(input)) {
                    throw new IllegalArgumentException("Vertex '" + vertex.name() + "' reads '"
                            + vertices.get(input).name()
                            + "', which is outside of the tiled vertices; tile both or neither");
                }
            }
            for (int reader : vertices.consumers(position)) {
                if (position != last && !positions.contains(reader)) {
                    throw new IllegalArgumentException(
                            "Vertex '" + vertices.get(reader).name() + "' reads '"
                                    + vertex.name() + "' out of the middle of the tiled vertices; only '"
                                    + vertices.get(last).name() + "' may be read from outside");
                }
            }
        }
    }

    /** The position of the last vertex, at whose place the whole region is run. */
    int exit() {
        return positions.get(positions.size() - 1);
    }

    /** The position of the vertex that the region reads. */
    int source() {
        return positions.get(0);
    }

    /** The positions of the tiled vertices. */
    public List<Integer> tiled() {
        return positions.subList(1, positions.size());
    }
}
