package io.github.dl4jpipeline.branch;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;
import org.jspecify.annotations.Nullable;

/** The rounds that are done, with their networks; kept in a directory if there is one, so that a later run goes on. */
final class RoundStore {
    private static final JsonMapper JSON = new JsonMapper();

    private final @Nullable Path directory;
    private final String network;
    private @Nullable BranchRound original;
    private final List<BranchRound> rounds = new ArrayList<>();
    private final List<ComputationGraph> graphs = new ArrayList<>();

    /** What the file of rounds holds. */
    record Content(String network, @Nullable BranchRound original, List<BranchRound> rounds) {}

    /**
     * Reads what a directory has of earlier runs.
     *
     * @param directory null for none
     * @param configuration of the network that is trained in the first round, as JSON
     * @throws IllegalArgumentException if the directory has rounds of another network
     */
    RoundStore(@Nullable Path directory, String configuration) {
        this.directory = directory;
        this.network = UUID.nameUUIDFromBytes(configuration.getBytes(StandardCharsets.UTF_8))
                .toString();
        if (directory == null) {
            return;
        }
        try {
            Files.createDirectories(directory);
            if (Files.exists(file(directory))) {
                Content content = JSON.readValue(Files.readString(file(directory)), Content.class);
                requireSame(directory, content);
                original = content.original();
                rounds.addAll(content.rounds());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read the rounds in " + directory + ": " + e.getMessage(), e);
        }
    }

    private void requireSame(Path at, Content content) {
        if (!content.network().equals(network)) {
            throw new IllegalArgumentException(
                    at
                            + " has rounds of another network or another split; go on with the same, or take another directory");
        }
    }

    @Nullable BranchRound original() {
        return original;
    }

    void setOriginal(BranchRound round) {
        original = round;
        save();
    }

    List<BranchRound> rounds() {
        return rounds;
    }

    void add(BranchRound round, ComputationGraph graph) {
        if (directory == null) {
            graphs.add(graph);
        } else {
            WholeFile.write(
                    model(directory, rounds.size()), draft -> ModelSerializer.writeModel(graph, draft.toFile(), true));
        }
        rounds.add(round);
        save();
    }

    /** The trained network of a round. */
    ComputationGraph graph(int round) {
        if (directory == null) {
            return graphs.get(round);
        }
        Path file = model(directory, round);
        try {
            return ModelSerializer.restoreComputationGraph(file.toFile(), true);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private void save() {
        if (directory != null) {
            WholeFile.write(
                    file(directory),
                    draft -> JSON.writeValue(draft.toFile(), new Content(network, original, List.copyOf(rounds))));
        }
    }

    private static Path file(Path directory) {
        return directory.resolve("rounds.json");
    }

    private static Path model(Path directory, int round) {
        return directory.resolve("round-" + round + ".zip");
    }
}
