package io.github.dl4jpipeline.branch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/** The rounds that are done, with their networks; kept in a directory if there is one, so that a later run goes on. */
final class RoundStore {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String ROUNDS = "rounds.json";
    private static final Pattern MODEL = Pattern.compile("round-\\d+\\.zip");

    private final @Nullable Path directory;
    private final String network;
    private @Nullable BranchRound original;
    private final List<BranchRound> rounds = new ArrayList<>();
    private final List<ComputationGraph> graphs = new ArrayList<>();

    /** What the file of rounds holds. */
    record Content(String network, @Nullable BranchRound original, List<BranchRound> rounds) {
        Content {
            if (network == null || rounds == null || rounds.stream().anyMatch(Objects::isNull)) {
                throw new IllegalArgumentException("It does not say of which network it is, or a round is missing");
            }
        }
    }

    /**
     * Reads what a directory has of earlier runs.
     *
     * @param directory null for none
     * @param configuration of the network that is trained in the first round, as JSON
     * @throws IllegalArgumentException if the directory has rounds of another network, or a damaged file of rounds
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
            WholeFile.removeAbandoned(
                    directory,
                    name -> name.equals(ROUNDS) || MODEL.matcher(name).matches());
            if (Files.exists(file(directory))) {
                Content content = content(file(directory));
                requireSame(directory, content);
                original = content.original();
                rounds.addAll(content.rounds());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read the rounds in " + directory + ": " + e.getMessage(), e);
        }
    }

    private static Content content(Path file) throws IOException {
        try {
            Content content = JSON.readValue(Files.readString(file), Content.class);
            if (content != null) {
                return content;
            }
        } catch (JsonProcessingException | MalformedInputException e) {
            throw new IllegalArgumentException(file + " holds no rounds: " + e.getMessage(), e);
        }
        throw new IllegalArgumentException(file + " holds no rounds: it holds null");
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
            WholeFile.write(model(directory, rounds.size()), draft -> ModelWriter.write(draft, graph, true, Map.of()));
        }
        rounds.add(round);
        save();
    }

    /** The trained network of a round. */
    ComputationGraph graph(int round) {
        if (directory == null) {
            return graphs.get(round);
        }
        try (ModelArchive archive = ModelArchive.open(model(directory, round), Set.of())) {
            return archive.graph(true);
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
        return directory.resolve(ROUNDS);
    }

    private static Path model(Path directory, int round) {
        return directory.resolve("round-" + round + ".zip");
    }
}
