package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where the replicas of one stage sum their gradients. The first uses the pipeline's flat gradient array, each other an
 * array of its own, which is added to the first at the end of a step: first + second + …, so that the result does not
 * depend on timing.
 */
final class ReplicaSums {
    /** Elements of the flat array that belong to the stage without a gap, and where they are in a replica's own array. */
    private record Run(long from, long ownFrom, long length) {}

    private final List<Run> runs = new ArrayList<>();
    private final List<List<@Nullable INDArray>> slices = new ArrayList<>();
    private final INDArray flat;

    /** The arrays of the second and later replicas. */
    private final List<INDArray> own = new ArrayList<>();

    /**
     * @param flat the pipeline's gradients
     * @param positions those of its vertices
     */
    ReplicaSums(INDArray flat, VertexGraph vertices, List<Integer> positions, int replicas) {
        this.flat = flat.reshape(flat.length());
        slices.add(ParameterStore.slices(flat, vertices));
        if (replicas == 1) {
            return;
        }
        Set<Integer> stage = Set.copyOf(positions);
        long length = findRuns(vertices, stage);
        for (int replica = 1; replica < replicas; replica++) {
            INDArray array = Nd4j.create(flat.dataType(), length);
            own.add(array);
            slices.add(slices(array, vertices, stage));
        }
    }

    private long findRuns(VertexGraph vertices, Set<Integer> stage) {
        long ownFrom = 0;
        long from = 0;
        long length = 0;
        for (Vertex vertex : vertices.vertices()) {
            if (stage.contains(vertex.position())) {
                length += vertex.parameters();
            } else if (vertex.parameters() > 0) {
                ownFrom = endRun(from, ownFrom, length);
                from += length + vertex.parameters();
                length = 0;
            }
        }
        return endRun(from, ownFrom, length);
    }

    private long endRun(long from, long ownFrom, long length) {
        if (length > 0) {
            runs.add(new Run(from, ownFrom, length));
        }
        return ownFrom + length;
    }

    private static List<@Nullable INDArray> slices(INDArray array, VertexGraph vertices, Set<Integer> stage) {
        List<@Nullable INDArray> slices = new ArrayList<>();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + (stage.contains(vertex.position()) ? vertex.parameters() : 0);
            slices.add(to == from ? null : array.get(NDArrayIndex.interval(from, to)));
            from = to;
        }
        return slices;
    }

    /** By position: where a replica sums the gradients of each vertex; null where there are none. */
    List<@Nullable INDArray> slices(int replica) {
        return slices.get(replica);
    }

    /** Adds up one replica's share of the elements, over the first {@code active} replicas. */
    void reduce(int replica, int active) {
        for (Run run : runs) {
            long begin = run.length() * replica / active;
            long end = run.length() * (replica + 1) / active;
            if (begin == end) {
                continue;
            }
            INDArray sum = flat.get(NDArrayIndex.interval(run.from() + begin, run.from() + end));
            for (INDArray other : own.subList(0, active - 1)) {
                sum.addi(other.get(NDArrayIndex.interval(run.ownFrom() + begin, run.ownFrom() + end)));
            }
        }
    }
}
