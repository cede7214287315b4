package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.TileableMaps;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The cost of every vertex of a graph, in topological order; of at most {@value #MOST_VERTICES} vertices.
 *
 * @param examples number of examples that the costs are for
 * @param device id of the device that they were measured on
 * @param repetitions number of measured runs behind each median
 * @param machine what the device does together with others
 * @param otherCode vertices that run with another code than {@link KernelCode#USUAL}, which fails; their costs are those of
 *     that other code
 * @param vertices the costs; a vertex comes after those that it reads
 * @param tileable which vertices can be run in spatial tiles
 */
public record GraphProfile(
        int examples,
        String device,
        int repetitions,
        MachineSpeed machine,
        Map<String, KernelCode> otherCode,
        List<VertexCost> vertices,
        TileableMaps tileable) {

    static final int MOST_VERTICES = 10_000;
    static final int MOST_EXAMPLES = 10_000_000;

    public GraphProfile {
        requireThere("device", device);
        requireThere("machine", machine);
        requireThere("otherCode", otherCode);
        requireThere("vertices", vertices);
        requireThere("tileable", tileable);
        requireNoNull("otherCode", otherCode.values());
        requireNoNull("vertices", vertices);
        otherCode = Map.copyOf(otherCode);
        vertices = List.copyOf(vertices);
        if (examples < 1) {
            throw new IllegalArgumentException("A profile is for at least 1 example, got " + examples);
        }
        if (examples > MOST_EXAMPLES) {
            throw new IllegalArgumentException(
                    "A profile is for at most " + MOST_EXAMPLES + " examples, got " + examples);
        }
        if (repetitions < 1) {
            throw new IllegalArgumentException("A profile needs at least 1 repetition, got " + repetitions);
        }
        if (vertices.size() > MOST_VERTICES) {
            throw new IllegalArgumentException(
                    "A profile has at most " + MOST_VERTICES + " vertices, got " + vertices.size());
        }
        if (vertices.isEmpty()) {
            throw new IllegalArgumentException("A profile needs at least one vertex");
        }
        Set<String> seen = new HashSet<>();
        for (VertexCost cost : vertices) {
            for (String input : cost.inputs()) {
                if (!seen.contains(input)) {
                    throw new IllegalArgumentException("Vertex '" + cost.vertex() + "' reads '" + input
                            + "', which does not come before it; a profile lists vertices in topological order");
                }
            }
            if (!seen.add(cost.vertex())) {
                throw new IllegalArgumentException("Vertex '" + cost.vertex() + "' comes twice");
            }
        }
        if (vertices.stream().noneMatch(VertexCost::movable)) {
            throw new IllegalArgumentException(
                    "A profile needs a vertex to compute; all of this one's read nothing and take no time");
        }
        for (String vertex : otherCode.keySet()) {
            if (!seen.contains(vertex)) {
                throw new IllegalArgumentException("otherCode names vertex '" + vertex + "', which the profile lacks");
            }
        }
        for (TileVertex vertex : tileable.vertices()) {
            if (!seen.contains(vertex.name())) {
                throw new IllegalArgumentException(
                        "Vertex '" + vertex.name() + "' is to be tileable, but the profile lacks it");
            }
        }
    }

    private static void requireThere(String name, Object value) {
        if (value == null) {
            throw new IllegalArgumentException("A profile needs " + name + ", got null");
        }
    }

    private static void requireNoNull(String name, Collection<?> values) {
        if (values.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("A profile's " + name + " must not be null, got " + values);
        }
    }

    /** A profile of a graph of which no vertex can be run in tiles. */
    public GraphProfile(
            int examples,
            String device,
            int repetitions,
            MachineSpeed machine,
            Map<String, KernelCode> otherCode,
            List<VertexCost> vertices) {
        this(examples, device, repetitions, machine, otherCode, vertices, TileableMaps.NONE);
    }

    /** Median time of one forward and backward pass of the whole graph, run vertex after vertex. */
    public double totalMillis() {
        return vertices.stream().mapToDouble(VertexCost::millis).sum();
    }

    /** The costs for another number of examples: each has a part that is the same for any, and one that grows with it. */
    public List<VertexCost> costsFor(double otherExamples) {
        return vertices.stream()
                .map(cost -> cost.times(otherExamples / examples))
                .toList();
    }

    /**
     * Speed of all devices' cores as one device, for a number of examples. Operations have as many threads as there
     * are cores. In units of the profiled device; 1 if the graph takes no time.
     */
    public double jointSpeed(double otherExamples) {
        double fixed = vertices.stream().mapToDouble(VertexCost::fixedMillis).sum();
        double growing = (totalMillis() - fixed) * (otherExamples / examples);
        if (fixed + growing == 0) {
            return 1;
        }
        double speed = (fixed + growing) / (machine.jointFixedMillis() + growing / machine.jointSpeed());
        return Math.max(MachineSpeed.LEAST_SPEED, Math.min(speed, MachineSpeed.MOST_SPEED));
    }

    /** The same for devices with caches and memory of their own: they neither slow each other down nor share an operation. */
    public GraphProfile forSeparateDevices() {
        return new GraphProfile(
                examples, device, repetitions, machine.ofSeparateDevices(), otherCode, vertices, tileable);
    }

    /**
     * Writes this profile as JSON, replacing the file in one step.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before
     */
    public void save(Path file) {
        ProfileFile.save(this, Given.notNull("file", file));
    }

    /**
     * Reads a profile that {@link #save} wrote.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it does not hold a valid profile; the message names the file and the place
     */
    public static GraphProfile load(Path file) {
        return fromJson(Given.notNull("file", file).toString(), ProfileFile.text(file));
    }

    /** The profile as JSON, as {@link #save} writes it. */
    public String toJson() {
        return ProfileFile.toJson(this);
    }

    /**
     * Reads a profile that {@link #toJson} wrote.
     *
     * @param name where it is from, for errors
     * @throws IllegalArgumentException if it is no valid profile; the message names where it is from, and the place
     */
    public static GraphProfile fromJson(String name, String json) {
        return ProfileFile.fromJson(Given.notNull("name", name), Given.notNull("json", json));
    }

    /**
     * Reads a profile in the format of PipeDream's profiler (Narayanan et al., SOSP 2019). The batch that it was measured
     * with counts as one example; gradients are as large as parameters, and there is no updater state. Nodes without inputs
     * read one virtual source: those that are inputs of the network are there from the start, the others are computed.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it does not hold such a profile; the message names file and line
     */
    public static GraphProfile readPipeDream(Path file) {
        return PipeDreamReader.read(
                Given.notNull("file", file).toString(),
                ProfileFile.text(file).lines().toList());
    }
}
