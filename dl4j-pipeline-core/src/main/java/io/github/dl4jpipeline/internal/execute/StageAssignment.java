package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Finds the stage of each vertex and the vertices of each stage, and whether a plan fits a graph. */
public final class StageAssignment {
    private StageAssignment() {}

    /**
     * By position, the stage of each vertex.
     *
     * @throws IllegalArgumentException if the plan is for another graph, or an edge would run backward through it
     */
    public static int[] check(PartitionPlan plan, VertexGraph vertices) {
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
        return stageOf;
    }

    /** By stage, the positions of its vertices. */
    static List<List<Integer>> positions(int[] stageOf, int stages) {
        List<List<Integer>> positions = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            int current = stage;
            positions.add(IntStream.range(0, stageOf.length)
                    .filter(position -> stageOf[position] == current)
                    .boxed()
                    .toList());
        }
        return positions;
    }
}
