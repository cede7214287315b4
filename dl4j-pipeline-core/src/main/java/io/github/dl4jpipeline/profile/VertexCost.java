package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.github.dl4jpipeline.graph.GraphOutline;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * What one vertex costs for the examples of a {@link GraphProfile}. Each time is at most {@value #MOST_MILLIS} ms, each size
 * at most {@value #MOST_BYTES} bytes, so that sums over a profile stay exact.
 *
 * @param vertex its name
 * @param inputs names of the vertices that it reads
 * @param forward times of the forward pass
 * @param backward times of the backward pass; for an output vertex with the time of its score
 * @param split what splitting the backward pass changes
 * @param bytes sizes of its arrays
 */
public record VertexCost(
        String vertex,
        List<String> inputs,
        PassTimes forward,
        PassTimes backward,
        SplitTimes split,
        VertexBytes bytes) {

    static final double MOST_MILLIS = 1e12;
    static final long MOST_BYTES = 100_000_000_000_000L;

    public VertexCost {
        if (vertex == null || vertex.isBlank()) {
            throw new IllegalArgumentException(
                    "A vertex needs a name, got " + (vertex == null ? "null" : "a blank one"));
        }
        if (inputs == null || inputs.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': inputs must be names, got " + inputs);
        }
        inputs = List.copyOf(inputs);
        if (forward == null || backward == null || split == null || bytes == null) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': times and sizes must be given, got " + forward
                    + ", " + backward + ", " + split + ", " + bytes);
        }
        requireTime(vertex, "forwardMillis", forward.millis());
        requireTime(vertex, "worstForwardMillis", forward.worstMillis());
        requireTime(vertex, "backwardMillis", backward.millis());
        requireTime(vertex, "worstBackwardMillis", backward.worstMillis());
        requirePart(vertex, "fixedForwardMillis", forward.fixedMillis(), forward.millis());
        requirePart(vertex, "fixedBackwardMillis", backward.fixedMillis(), backward.millis());
        requirePart(vertex, "onceForwardMillis", forward.onceMillis(), forward.millis());
        requirePart(vertex, "onceBackwardMillis", backward.onceMillis(), backward.millis());
        requirePart(vertex, "weightMillis", split.weightMillis(), backward.millis());
        requireTime(vertex, "splitMillis", split.moreMillis());
        requireBytes(vertex, "activationBytes", bytes.activation());
        requireBytes(vertex, "parameterBytes", bytes.parameters());
        requireBytes(vertex, "gradientBytes", bytes.gradients());
        requireBytes(vertex, "updaterBytes", bytes.updater());
        requireBytes(vertex, "apartBytes", bytes.apart());
        requireBytes(vertex, "packedBytes", bytes.packed());
    }

    /** What the graph of these vertices looks like. */
    public static GraphOutline outline(Collection<VertexCost> costs) {
        return new GraphOutline(costs.stream()
                .map(cost -> new GraphOutline.Part(cost.vertex(), cost.inputs(), cost.parameterBytes()))
                .toList());
    }

    /** The same as numbers, for programs that write profiles by hand: times in milliseconds, sizes in bytes. */
    public VertexCost(
            String vertex,
            List<String> inputs,
            double forwardMillis,
            double fixedForwardMillis,
            double worstForwardMillis,
            double backwardMillis,
            double fixedBackwardMillis,
            double worstBackwardMillis,
            long activationBytes,
            long parameterBytes,
            long gradientBytes,
            long updaterBytes) {
        this(
                vertex,
                inputs,
                new PassTimes(forwardMillis, fixedForwardMillis, worstForwardMillis),
                new PassTimes(backwardMillis, fixedBackwardMillis, worstBackwardMillis),
                new VertexBytes(activationBytes, parameterBytes, gradientBytes, updaterBytes, gradientBytes));
    }

    /** A cost without parameter gradients that can wait. */
    public VertexCost(String vertex, List<String> inputs, PassTimes forward, PassTimes backward, VertexBytes bytes) {
        this(vertex, inputs, forward, backward, SplitTimes.NONE, bytes);
    }

    /** Forward time, median. */
    public double forwardMillis() {
        return forward.millis();
    }

    /** The part of the forward time that does not grow with the number of examples. */
    public double fixedForwardMillis() {
        return forward.fixedMillis();
    }

    /** Forward time at its slowest. */
    public double worstForwardMillis() {
        return forward.worstMillis();
    }

    /** Backward time, median. */
    public double backwardMillis() {
        return backward.millis();
    }

    /** The part of the backward time that does not grow with the number of examples. */
    public double fixedBackwardMillis() {
        return backward.fixedMillis();
    }

    /** Backward time at its slowest. */
    public double worstBackwardMillis() {
        return backward.worstMillis();
    }

    /** The part of the backward time that parameter gradients take which can wait for a task of their own. */
    public double weightMillis() {
        return split.weightMillis();
    }

    /** What both parts together take longer than the backward pass in one. */
    public double splitMillis() {
        return split.moreMillis();
    }

    /** The part of the forward time that comes once for all micro-batches of a device in a step. */
    public double onceForwardMillis() {
        return forward.onceMillis();
    }

    /** The part of the backward time that comes once for all micro-batches of a device in a step. */
    public double onceBackwardMillis() {
        return backward.onceMillis();
    }

    /** Size of its output. */
    public long activationBytes() {
        return bytes.activation();
    }

    /** Size of its parameters. */
    public long parameterBytes() {
        return bytes.parameters();
    }

    /** Size of its parameter gradients; 0 where nothing is trained. */
    public long gradientBytes() {
        return bytes.gradients();
    }

    /** Size of the updater's state for it. */
    public long updaterBytes() {
        return bytes.updater();
    }

    /** Size of what a second and later micro-batches need for their gradients before they are in the sum; 0 for nothing. */
    public long apartBytes() {
        return bytes.apart();
    }

    /** Size of its parameters as the code of the layer reads them, besides the parameters themselves. */
    public long packedBytes() {
        return bytes.packed();
    }

    /** Bytes of parameters, gradients and updater state, where a step has so many micro-batches. */
    public long trainingBytes(int microBatches) {
        return bytes.parameters()
                + bytes.packed()
                + bytes.gradients()
                + bytes.updater()
                + (microBatches > 1 ? bytes.apart() : 0);
    }

    private double addingMillis(double perByte) {
        return Math.min(MOST_MILLIS, perByte * bytes.gradients());
    }

    /**
     * What each micro-batch of a device after its first takes longer in a step. It adds its gradients, and does without what comes
     * once. Mostly that is less than 0.
     *
     * @param addMillisPerByte time of adding gradients
     */
    public double laterMillis(double addMillisPerByte) {
        return addingMillis(addMillisPerByte) - forward.onceMillis() - backward.onceMillis();
    }

    /**
     * The cost of a micro-batch on average, where a device has several in a step.
     *
     * @param microBatches how many
     * @param addMillisPerByte time of adding gradients
     */
    public VertexCost inStep(double microBatches, double addMillisPerByte) {
        double later = Math.max(0, microBatches - 1) / microBatches;
        double added = later * Math.min(MOST_MILLIS - backward.millis(), addingMillis(addMillisPerByte));
        double saved = later * backward.onceMillis();
        double weights = split.weightMillis() == 0 ? 0 : Math.max(0, split.weightMillis() - saved) + added;
        PassTimes otherBackward = backward.plus(added - saved);
        return new VertexCost(
                vertex,
                inputs,
                forward.plus(-later * forward.onceMillis()),
                otherBackward,
                new SplitTimes(Math.min(weights, otherBackward.millis()), split.moreMillis()),
                bytes);
    }

    /**
     * Whether it is computed, so that it belongs to a stage. The others are the network's inputs: they read nothing, take no
     * time, and are there from the start. A vertex that takes time and reads nothing is computed as if it read such an input.
     */
    public boolean movable() {
        return !inputs.isEmpty() || millis() > 0;
    }

    /** Median time of both passes. */
    public double millis() {
        return forward.millis() + backward.millis();
    }

    /** The part of both passes that does not grow with the number of examples. */
    public double fixedMillis() {
        return forward.fixedMillis() + backward.fixedMillis();
    }

    /** Time of both passes at their slowest. */
    public double worstMillis() {
        return forward.worstMillis() + backward.worstMillis();
    }

    /** The cost for {@code factor} times as many examples. */
    VertexCost times(double factor) {
        PassTimes otherBackward = backward.times(factor);
        return new VertexCost(
                vertex,
                inputs,
                forward.times(factor),
                otherBackward,
                split.times(factor, backward, otherBackward),
                bytes.times(factor));
    }

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static VertexCost of(VertexJson json) {
        return json.cost();
    }

    @JsonValue
    VertexJson json() {
        return VertexJson.of(this);
    }

    private static void requirePart(String vertex, String name, double part, double whole) {
        if (!(part >= 0) || part > whole) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': " + name
                    + " must be between 0 and the whole time, " + whole + ", got " + part);
        }
    }

    private static void requireTime(String vertex, String name, double millis) {
        if (!(millis >= 0)) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be a time of 0 or more, got " + millis);
        }
        if (millis > MOST_MILLIS) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be at most " + MOST_MILLIS + " ms, got " + millis);
        }
    }

    private static void requireBytes(String vertex, String name, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("Vertex '" + vertex + "': " + name + " must be 0 or more, got " + bytes);
        }
        if (bytes > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "Vertex '" + vertex + "': " + name + " must be at most " + MOST_BYTES + " bytes, got " + bytes);
        }
    }
}
