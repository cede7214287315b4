package io.github.dl4jpipeline.branch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;

/**
 * One branch of a branched network, or its head, which is what follows the branches; made by {@link BranchParts}.
 *
 * <p>Its file is an ordinary model of Deeplearning4j, for inference, with an entry that says which part it is.
 */
public final class BranchPart {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String ENTRY = "branchPart.json";

    private final PartIdentity identity;
    private final ComputationGraph graph;

    BranchPart(PartIdentity identity, ComputationGraph graph) {
        this.identity = identity;
        this.graph = graph;
    }

    PartIdentity identity() {
        return identity;
    }

    /**
     * The part as a graph. A branch takes network inputs and gives the activations that leave it; the head takes these, in
     * the order of the branches, and gives the network's output.
     */
    public ComputationGraph graph() {
        return graph;
    }

    /** Which part this is, such as {@code branch 0 of 2}. */
    public String title() {
        return identity.title();
    }

    /**
     * Writes the part to a file.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before
     */
    public void save(Path file) {
        WholeFile.write(file, draft -> {
            ModelSerializer.writeModel(graph, draft.toFile(), false);
            try (FileSystem zip = FileSystems.newFileSystem(draft, (ClassLoader) null)) {
                Files.writeString(zip.getPath(ENTRY), JSON.writeValueAsString(identity));
            }
        });
    }

    /**
     * Reads a part that {@link #save} wrote.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it holds something else; the message names the file
     */
    public static BranchPart load(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UncheckedIOException(new NoSuchFileException(file.toString(), null, "there is no such file"));
        }
        try {
            PartIdentity identity = identity(file);
            return new BranchPart(identity, ModelSerializer.restoreComputationGraph(file.toFile(), false));
        } catch (JsonProcessingException | ProviderNotFoundException | NoSuchFileException e) {
            throw notAPart(file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static PartIdentity identity(Path file) throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(file, (ClassLoader) null)) {
            return JSON.readValue(Files.readString(zip.getPath(ENTRY)), PartIdentity.class);
        }
    }

    private static IllegalArgumentException notAPart(Path file, Exception cause) {
        return new IllegalArgumentException(
                file + " is no part of a branched network; BranchPart.save writes such files", cause);
    }

    @Override
    public String toString() {
        return title();
    }
}
