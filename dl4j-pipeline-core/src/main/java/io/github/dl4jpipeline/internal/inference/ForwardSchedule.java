package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Which worker runs which vertices of a forward pass, and in which order, so that independent vertices run at the same
 * time.
 *
 * <p>Method: list scheduling, [from Topcuoglu, Hariri, Wu, "Performance-effective and low-complexity task scheduling for
 * heterogeneous computing", IEEE TPDS 13(3), 2002]. The vertex with the longest path to an output comes first; it goes to
 * the worker that finishes it first.
 *
 * @param positions for each worker its vertices in the order in which it runs them; at least one each
 * @param millis predicted time of the pass
 */
record ForwardSchedule(List<List<Integer>> positions, double millis) {

    ForwardSchedule {
        positions = positions.stream()
                .filter(ofWorker -> !ofWorker.isEmpty())
                .map(List::copyOf)
                .toList();
    }

    /** All vertices on one worker. */
    static ForwardSchedule sequential(VertexGraph vertices) {
        return of(vertices, new double[vertices.size()], 1, 0);
    }

    /** Whether there are vertices that could run at the same time. */
    static boolean hasIndependentVertices(VertexGraph vertices) {
        double[] unit = new double[vertices.size()];
        for (Vertex vertex : vertices.vertices()) {
            unit[vertex.position()] = vertex.role() == Vertex.Role.INPUT ? 0 : 1;
        }
        double[] path = pathToOutput(vertices, unit);
        return Arrays.stream(path).max().orElse(0) < Arrays.stream(unit).sum();
    }

    /**
     * A schedule.
     *
     * @param millis time of each vertex, by position
     * @param workers number of workers, all alike
     * @param handoverMillis time until a worker can go on after a vertex that another one has run
     */
    static ForwardSchedule of(VertexGraph vertices, double[] millis, int workers, double handoverMillis) {
        int[] workerOf = new int[vertices.size()];
        double[] end = new double[vertices.size()];
        double[] free = new double[workers];
        List<List<Integer>> positions = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            positions.add(new ArrayList<>());
        }
        for (int position : byPathToOutput(vertices, millis)) {
            int best = 0;
            double bestStart = Double.POSITIVE_INFINITY;
            for (int worker = 0; worker < workers; worker++) {
                double start = free[worker];
                for (int input : vertices.get(position).inputs()) {
                    boolean handedOver = workerOf[input] != worker && isComputed(vertices, input);
                    start = Math.max(start, end[input] + (handedOver ? handoverMillis : 0));
                }
                if (start < bestStart) {
                    best = worker;
                    bestStart = start;
                }
            }
            workerOf[position] = best;
            end[position] = bestStart + millis[position];
            free[best] = end[position];
            positions.get(best).add(position);
        }
        return new ForwardSchedule(positions, Arrays.stream(end).max().orElse(0));
    }

    /** A network input is there before the pass. */
    private static boolean isComputed(VertexGraph vertices, int position) {
        return vertices.get(position).role() != Vertex.Role.INPUT;
    }

    /** A topological order: network inputs, then the longest way to go first. */
    private static List<Integer> byPathToOutput(VertexGraph vertices, double[] millis) {
        double[] path = pathToOutput(vertices, millis);
        // The sort is stable, so that vertices that take no time stay in topological order.
        return vertices.vertices().stream()
                .sorted(Comparator.comparing((Vertex vertex) -> vertex.role() != Vertex.Role.INPUT)
                        .thenComparing(vertex -> -path[vertex.position()]))
                .map(Vertex::position)
                .toList();
    }

    /** The time from the beginning of each vertex to the end of the last one that needs it. */
    private static double[] pathToOutput(VertexGraph vertices, double[] millis) {
        double[] path = new double[vertices.size()];
        for (int position = vertices.size() - 1; position >= 0; position--) {
            double after = 0;
            for (int consumer : vertices.consumers(position)) {
                after = Math.max(after, path[consumer]);
            }
            path[position] = millis[position] + after;
        }
        return path;
    }
}
