package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.internal.stage.VertexObserver;
import io.github.dl4jpipeline.profile.SplitTimes;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Takes the time of each vertex, forward and backward. */
public final class VertexTimer implements VertexObserver {
    /** No vertex. */
    static final int NONE = -1;

    private final List<List<Double>> forwardMillis = new ArrayList<>();
    private final List<List<Double>> backwardMillis = new ArrayList<>();
    private final List<List<Double>> weightMillis = new ArrayList<>();
    private final long[] activationBytes;
    private final long[] leftBytes;
    private final long[] packedBytes;

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
        leftBytes = new long[vertices];
        packedBytes = new long[vertices];
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
    public void forwardDone(int position, long bytes, Supplier<INDArray> activation) {
        forwardMillis.get(position).add(sinceBegun());
        activationBytes[position] = bytes;
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

    /** Bytes of what micro-batches of a step leave to later ones for the gradients of a vertex. */
    void left(int position, long bytes) {
        leftBytes[position] = Math.max(leftBytes[position], bytes);
    }

    /** Bytes of a vertex's parameters as its code reads them. */
    void packed(int position, long bytes) {
        packedBytes[position] = Math.max(packedBytes[position], bytes);
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
            left(position, other.leftBytes[position]);
            packed(position, other.packedBytes[position]);
        }
    }

    /** The same times as if backward passes had not been split: with those of parameter gradients. */
    VertexTimer undivided() {
        VertexTimer joined = new VertexTimer(activationBytes.length);
        joined.add(this);
        for (int position = 0; position < activationBytes.length; position++) {
            List<Double> backward = joined.backwardMillis.get(position);
            List<Double> weights = weightMillis.get(position);
            for (int run = 0; run < Math.min(backward.size(), weights.size()); run++) {
                backward.set(run, backward.get(run) + weights.get(run));
            }
        }
        return joined;
    }

    /** The times of a vertex's forward pass, by run. */
    List<Double> forwardMillis(int position) {
        return forwardMillis.get(position);
    }

    /** The times of a vertex's backward pass, by run. */
    List<Double> backwardMillis(int position) {
        return backwardMillis.get(position);
    }

    /** What splitting the backward pass changes, given the times of a split one. */
    SplitTimes split(int position, VertexTimer split) {
        double backward = Median.of(backwardMillis.get(position));
        double weights = Math.min(backward, Median.of(split.weightMillis.get(position)));
        double splitBackward = Median.of(split.backwardMillis.get(position));
        return new SplitTimes(weights, weights > 0 ? Math.max(0, splitBackward + weights - backward) : 0);
    }

    long activationBytes(int position) {
        return activationBytes[position];
    }

    long leftBytes(int position) {
        return leftBytes[position];
    }

    long packedBytes(int position) {
        return packedBytes[position];
    }

    boolean needsArrayApart(int position) {
        return !addsGradients.get(position);
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
     * Shortest run of the whole graph. Other work of the machine, such as compiling this process's code, only makes
     * runs longer, and those on all cores more than those on one.
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

    /** Median time of a vertex. */
    double millis(int position) {
        return Median.of(forwardMillis.get(position)) + Median.of(backwardMillis.get(position));
    }
}
