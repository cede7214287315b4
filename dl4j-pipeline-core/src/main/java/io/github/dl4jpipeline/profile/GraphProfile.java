package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.file.WholeFile;
import io.github.dl4jpipeline.kernel.VertexCode;
import io.github.dl4jpipeline.tile.TileableMaps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The cost of every vertex of a graph, in topological order.
 *
 * @param examples number of examples that the costs are for
 * @param device id of the device that they were measured on
 * @param repetitions number of measured runs behind each median
 * @param machine what the device does together with others
 * @param otherCode vertices for which not the usual code is the fastest, with the one that is; their costs are those of
 *     that other code
 * @param vertices the costs; a vertex comes after those that it reads
 * @param tileable which vertices can be run in spatial tiles
 */
public record GraphProfile(
        int examples,
        String device,
        int repetitions,
        MachineSpeed machine,
        Map<String, VertexCode> otherCode,
        List<VertexCost> vertices,
        TileableMaps tileable) {

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .build();

    public GraphProfile {
        otherCode = Map.copyOf(otherCode);
        vertices = List.copyOf(vertices);
        if (examples < 1) {
            throw new IllegalArgumentException("A profile is for at least 1 example, got " + examples);
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
    }

    /** A profile of a graph of which no vertex can be run in tiles. */
    public GraphProfile(
            int examples,
            String device,
            int repetitions,
            MachineSpeed machine,
            Map<String, VertexCode> otherCode,
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
     * Speed of all devices' cores as one device, with as many threads for an operation, in units of the profiled device, for
     * a number of examples.
     */
    public double jointSpeed(double otherExamples) {
        double fixed = vertices.stream().mapToDouble(VertexCost::fixedMillis).sum();
        double growing = (totalMillis() - fixed) * (otherExamples / examples);
        return (fixed + growing) / (machine.jointFixedMillis() + growing / machine.jointSpeed());
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
        WholeFile.write(file, draft -> JSON.writeValue(draft.toFile(), this));
    }

    /**
     * Reads a profile that {@link #save} wrote.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it does not hold a valid profile; the message names the file and the place
     */
    public static GraphProfile load(Path file) {
        try {
            return fromJson(file.toString(), Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read profile " + file + ": " + e.getMessage(), e);
        }
    }

    /** The profile as JSON, as {@link #save} writes it. */
    public String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of numbers and texts
        }
    }

    /**
     * Reads a profile that {@link #toJson} wrote.
     *
     * @param name where it is from, for errors
     * @throws IllegalArgumentException if it is no valid profile; the message names where it is from, and the place
     */
    public static GraphProfile fromJson(String name, String json) {
        try {
            GraphProfile profile = JSON.readValue(json, GraphProfile.class);
            if (profile == null) {
                throw new IllegalArgumentException(name + " is not a profile: it holds null");
            }
            return profile;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(name + " is not a profile: " + describe(e), e);
        }
    }

    /**
     * Reads a profile in the format of PipeDream's profiler (Narayanan et al., SOSP 2019). The batch that it was measured
     * with counts as one example; gradients are as large as parameters, and there is no updater state.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it does not hold such a profile; the message names file and line
     */
    public static GraphProfile readPipeDream(Path file) {
        try {
            return PipeDreamReader.read(file.toString(), Files.readAllLines(file));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read profile " + file + ": " + e.getMessage(), e);
        }
    }

    private static String describe(JsonProcessingException e) {
        String place = e.getLocation() == null
                ? ""
                : " (line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr() + ")";
        return e.getOriginalMessage() + place;
    }
}
