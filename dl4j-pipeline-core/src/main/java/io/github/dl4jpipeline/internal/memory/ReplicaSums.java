package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.graph.VertexGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where the replicas of one stage sum their gradients. The first uses the pipeline's flat gradient array, each other an
 * array of its own, which is added to the first at the end of a step: first + second + …, so that the result does not
 * depend on timing. Vertices whose replicas write one sum together all use the pipeline's array.
 */
final class ReplicaSums {
    private final ParameterLayout layout;
    private final List<List<@Nullable INDArray>> slices = new ArrayList<>();
    private final INDArray flat;

    /** The arrays of the second and later replicas. */
    private final List<INDArray> own = new ArrayList<>();

    /**
     * @param flat the pipeline's gradients
     * @param positions those of its vertices
     * @param summed those of the vertices whose replicas write one sum
     */
    ReplicaSums(INDArray flat, VertexGraph vertices, List<Integer> positions, Set<Integer> summed, int replicas) {
        this.flat = flat.reshape(flat.length());
        this.layout = ParameterLayout.of(
                vertices,
                positions.stream()
                        .filter(position -> !summed.contains(position))
                        .collect(Collectors.toSet()));
        List<@Nullable INDArray> ofFlat = ParameterLayout.of(vertices).slices(flat);
        slices.add(ofFlat);
        if (replicas == 1) {
            return;
        }
        for (int replica = 1; replica < replicas; replica++) {
            long length = Math.max(1, layout.length()); // there may be none to add, but no array is empty
            INDArray array = Nd4j.create(flat.dataType(), length);
            own.add(array);
            List<@Nullable INDArray> ofReplica = layout.slices(array);
            summed.forEach(position -> ofReplica.set(position, ofFlat.get(position)));
            slices.add(ofReplica);
        }
    }

    /** By position: where a replica sums the gradients of each vertex; null where there are none. */
    List<@Nullable INDArray> slices(int replica) {
        return slices.get(replica);
    }

    /** Frees the arrays of all replicas but the first, which has the graph's own. */
    void close() {
        own.forEach(INDArray::close);
    }

    /** Adds up one replica's share of the elements, over the first {@code active} replicas. */
    void reduce(int replica, int active) {
        for (ParameterLayout.Run run : layout.runs()) {
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
