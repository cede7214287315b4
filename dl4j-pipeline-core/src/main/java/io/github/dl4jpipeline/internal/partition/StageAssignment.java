package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The stage of each vertex of a graph, and the vertices of each stage. */
public final class StageAssignment {
    private final VertexGraph vertices;
    private final int[] stageOf;
    private final List<List<Integer>> positions;

    private StageAssignment(VertexGraph vertices, int[] stageOf, int stages) {
        this.vertices = vertices;
        this.stageOf = stageOf;
        this.positions = IntStream.range(0, stages)
                .mapToObj(stage -> IntStream.range(0, stageOf.length)
                        .filter(position -> stageOf[position] == stage)
                        .boxed()
                        .toList())
                .toList();
    }

    /**
     * Assigns the vertices to the stages of a plan.
     *
     * @throws IllegalArgumentException if the plan is for another graph, or an edge would run backward through it
     */
    public static StageAssignment of(PartitionPlan plan, VertexGraph vertices) {
        int[] stageOf = new int[vertices.size()];
        Arrays.fill(stageOf, -1);
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            for (String name : plan.stages().get(stage).vertices()) {
                stageOf[vertices.get(name).position()] = stage;
            }
        }
        for (Vertex vertex : vertices.vertices()) {
            int stage = stageOf[vertex.position()];
            if (stage < 0) {
                throw new IllegalArgumentException(
                        "The plan has no stage for vertex '" + vertex.name() + "'; it is for another graph");
            }
            for (int input : vertex.inputs()) {
                if (stageOf[input] > stage) {
                    throw new IllegalArgumentException(String.format(
                            "Vertex '%s' is in stage %d, but reads '%s' of stage %d; activations only flow to later stages",
                            vertex.name(), stage, vertices.get(input).name(), stageOf[input]));
                }
            }
        }
        return new StageAssignment(vertices, stageOf, plan.stages().size());
    }

    public VertexGraph vertices() {
        return vertices;
    }

    /** Number of stages. */
    public int stages() {
        return positions.size();
    }

    /** The stage of a vertex. */
    public int stageOf(int position) {
        return stageOf[position];
    }

    /** The stage of each vertex, by position. */
    public int[] stageOf() {
        return stageOf.clone();
    }

    /** Positions of a stage's vertices, in topological order. */
    public List<Integer> positions(int stage) {
        return positions.get(stage);
    }
}
