package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where the parameters of some vertices are: in the flat array of the whole graph, and in one that holds only them, in the
 * same order. A stage's vertices need not be neighbours in the graph's array.
 *
 * @param runs elements that follow each other in both
 * @param length elements of all runs
 */
public record ParameterLayout(VertexGraph vertices, Set<Integer> positions, List<Run> runs, long length) {
    /** Elements of the flat array that belong to the vertices without a gap, and where they are in their own array. */
    public record Run(long from, long ownFrom, long length) {
        INDArray inWhole(INDArray flat) {
            return flat.get(NDArrayIndex.interval(from, from + length));
        }

        INDArray inOwn(INDArray flat) {
            return flat.get(NDArrayIndex.interval(ownFrom, ownFrom + length));
        }
    }

    /** The layout of all vertices, for which both arrays are the same. */
    public static ParameterLayout of(VertexGraph vertices) {
        return of(vertices, vertices.vertices().stream().map(Vertex::position).collect(Collectors.toSet()));
    }

    static ParameterLayout of(VertexGraph vertices, Set<Integer> positions) {
        List<Run> runs = new ArrayList<>();
        long ownFrom = 0;
        long from = 0;
        long length = 0;
        for (Vertex vertex : vertices.vertices()) {
            if (positions.contains(vertex.position())) {
                length += vertex.parameters();
            } else if (vertex.parameters() > 0) {
                addRun(runs, from, ownFrom, length);
                ownFrom += length;
                from += length + vertex.parameters();
                length = 0;
            }
        }
        addRun(runs, from, ownFrom, length);
        return new ParameterLayout(vertices, Set.copyOf(positions), List.copyOf(runs), ownFrom + length);
    }

    private static void addRun(List<Run> runs, long from, long ownFrom, long length) {
        if (length > 0) {
            runs.add(new Run(from, ownFrom, length));
        }
    }

    /** By position: the part of the vertices' own array of each; null where there is none. */
    public List<@Nullable INDArray> slices(INDArray own) {
        INDArray row = own.reshape(own.length());
        List<@Nullable INDArray> slices = new ArrayList<>();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + (positions.contains(vertex.position()) ? vertex.parameters() : 0);
            slices.add(to == from ? null : row.get(NDArrayIndex.interval(from, to)));
            from = to;
        }
        return slices;
    }

    /** Where an element of the whole graph's flat array is in the vertices' own array; -1 if it is not theirs. */
    long ownIndex(long index) {
        for (Run run : runs) {
            if (index >= run.from() && index < run.from() + run.length()) {
                return run.ownFrom() + index - run.from();
            }
        }
        return -1;
    }

    /** Where an element of the vertices' own array is in the whole graph's flat array. */
    long wholeIndex(long ownIndex) {
        for (Run run : runs) {
            if (ownIndex < run.ownFrom() + run.length()) {
                return run.from() + ownIndex - run.ownFrom();
            }
        }
        throw new IndexOutOfBoundsException("Element " + ownIndex + " of " + length);
    }
}
