package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.internal.graph.UpdaterState;
import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.VertexObserver;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Takes the time of each vertex, forward and backward. */
public final class VertexTimer implements VertexObserver {
    /** No vertex. */
    static final int NONE = -1;

    private final List<List<Double>> forwardMillis = new ArrayList<>();
    private final List<List<Double>> backwardMillis = new ArrayList<>();
    private final List<List<Double>> weightMillis = new ArrayList<>();
    private final long[] activationBytes;

    /** The vertices that add to the gradients that they find. */
    private final BitSet addsGradients = new BitSet();

    private final Runnable finish;
    private long begunNanos;
    private int begun = NONE;

    /** Takes the times of others. */
    VertexTimer(int vertices) {
        this(vertices, () -> {});
    }

    /** @param finish waits for what the device has been asked to do */
    VertexTimer(int vertices, Runnable finish) {
        this.finish = finish;
        activationBytes = new long[vertices];
        for (int position = 0; position < vertices; position++) {
            forwardMillis.add(new ArrayList<>());
            backwardMillis.add(new ArrayList<>());
            weightMillis.add(new ArrayList<>());
        }
    }

    @Override
    public void begin(int position) {
        begun = position;
        begunNanos = System.nanoTime();
    }

    @Override
    public void forwardDone(int position, INDArray activation) {
        forwardMillis.get(position).add(sinceBegun());
        activationBytes[position] = activation.length() * activation.dataType().width();
    }

    @Override
    public void backwardDone(int position) {
        backwardMillis.get(position).add(sinceBegun());
    }

    @Override
    public void weightsDone(int position) {
        weightMillis.get(position).add(sinceBegun());
    }

    /** A vertex needs no second array for the gradients of another micro-batch: it adds to those that it finds. */
    void addsGradients(int position) {
        addsGradients.set(position);
    }

    /** Position of the vertex that has begun last; {@link #NONE} before the first. */
    int begun() {
        return begun;
    }

    private double sinceBegun() {
        finish.run();
        return (System.nanoTime() - begunNanos) / 1e6;
    }

    /** Adds the times that another has taken. */
    void add(VertexTimer other) {
        addsGradients.or(other.addsGradients);
        for (int position = 0; position < activationBytes.length; position++) {
            forwardMillis.get(position).addAll(other.forwardMillis.get(position));
            backwardMillis.get(position).addAll(other.backwardMillis.get(position));
            weightMillis.get(position).addAll(other.weightMillis.get(position));
            activationBytes[position] = other.activationBytes[position];
        }
    }

    /**
     * The cost of a vertex.
     *
     * @param fewer times taken with a part of the examples, to tell what grows with their number
     * @param share that part, from 0 to 1; 1 if nothing can be told
     * @param split times taken with split backward passes
     * @param alone times taken with a device's share of the examples
     * @param shared the same on the slowest device while all were busy, so that whatever else the machine did got into the
     *     way
     * @param joint times taken on all devices as one; the vertex is at its slowest the most times slower than usual that it
     *     has been in any of these ways
     */
    public VertexCost cost(
            Vertex vertex,
            VertexGraph vertices,
            ComputationGraph graph,
            VertexTimer fewer,
            double share,
            VertexTimer split,
            VertexTimer alone,
            VertexTimer shared,
            VertexTimer joint) {
        int position = vertex.position();
        boolean costsTime = vertex.role() != Vertex.Role.INPUT;
        long width = graph.getConfiguration().getDataType().width();
        double backward = median(backwardMillis.get(position));
        double weights = Math.min(backward, median(split.weightMillis.get(position)));
        double splitBackward = median(split.backwardMillis.get(position));
        boolean trained = vertex.runsBackward() && vertex.parameters() > 0;
        return new VertexCost(
                vertex.name(),
                vertex.inputs().stream()
                        .map(input -> vertices.get(input).name())
                        .toList(),
                costsTime ? median(forwardMillis.get(position)) : 0,
                costsTime
                        ? fixed(median(fewer.forwardMillis.get(position)), median(forwardMillis.get(position)), share)
                        : 0,
                costsTime
                        ? worst(
                                forwardMillis.get(position),
                                alone.forwardMillis.get(position),
                                shared.forwardMillis.get(position),
                                joint.forwardMillis.get(position))
                        : 0,
                backward,
                fixed(median(fewer.backwardMillis.get(position)), backward, share),
                worst(
                        backwardMillis.get(position),
                        alone.backwardMillis.get(position),
                        shared.backwardMillis.get(position),
                        joint.backwardMillis.get(position)),
                weights,
                weights > 0 ? Math.max(0, splitBackward + weights - backward) : 0,
                activationBytes[position],
                vertex.parameters() * width,
                trained ? vertex.parameters() * width : 0,
                trained ? UpdaterState.elements(graph.getVertex(vertex.name())) * width : 0,
                trained && !addsGradients.get(position) ? vertex.parameters() * width : 0);
    }

    /** Where the line through both times meets 0 examples, as far as that is a time that can be. */
    public static double fixed(double fewer, double all, double share) {
        double fixed = share < 1 ? (fewer - all * share) / (1 - share) : 0;
        return Math.max(0, Math.min(all, fixed));
    }

    /** Number of runs that it has seen. */
    public int runs() {
        return forwardMillis.get(0).size();
    }

    /** Median time of the whole graph: the sum of each vertex's. */
    double millis() {
        return IntStream.range(0, activationBytes.length)
                .mapToDouble(this::millis)
                .sum();
    }

    /**
     * Shortest run of the whole graph. Whatever else the machine does, such as compiling this process's code, makes runs longer
     * and none shorter, those on all cores more than those on one.
     */
    public double shortestRunMillis() {
        return IntStream.range(0, runs()).mapToDouble(this::runMillis).min().orElse(0);
    }

    private double runMillis(int run) {
        return Stream.concat(forwardMillis.stream(), backwardMillis.stream())
                .filter(times -> !times.isEmpty()) // as of vertices that do not run backward
                .mapToDouble(times -> times.get(run))
                .sum();
    }

    /** Shortest time of a vertex's forward pass. */
    double shortestForwardMillis(int position) {
        return shortest(forwardMillis.get(position));
    }

    /** Shortest time of a vertex's backward pass; 0 if it has none. */
    double shortestBackwardMillis(int position) {
        return shortest(backwardMillis.get(position));
    }

    /** Median time of a vertex. */
    double millis(int position) {
        return median(forwardMillis.get(position)) + median(backwardMillis.get(position));
    }

    private static double median(List<Double> times) {
        if (times.isEmpty()) {
            return 0;
        }
        List<Double> sorted = new ArrayList<>(times);
        Collections.sort(sorted);
        return (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
    }

    private static double worst(List<Double> times, List<Double> alone, List<Double> shared, List<Double> joint) {
        double usual = median(times);
        double sharedUsual = median(alone) == 0 ? 0 : usual * (median(shared) / median(alone));
        double sharedWorst = sharedUsual + longest(shared) - median(shared);
        double jointWorst = median(joint) == 0 ? 0 : usual * (longest(joint) / median(joint));
        return Math.max(longest(times), Math.max(sharedWorst, jointWorst));
    }

    private static double shortest(List<Double> times) {
        return times.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    }

    private static double longest(List<Double> times) {
        return times.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
}
