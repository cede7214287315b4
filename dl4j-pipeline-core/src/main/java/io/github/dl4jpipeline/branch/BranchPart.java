package io.github.dl4jpipeline.branch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.exception.ModelFileException;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/**
 * One branch of a branched network, or its head, which is what follows the branches; made by {@link BranchParts}.
 *
 * <p>Its file is an ordinary model of Deeplearning4j, for inference, with an entry that says which part it is.
 */
public final class BranchPart {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String ENTRY = "branchPart.json";
    private static final int LARGEST_ENTRY = 1 << 20;

    private final PartIdentity identity;
    private final ComputationGraph graph;
    private final @Nullable Path file;

    BranchPart(PartIdentity identity, ComputationGraph graph) {
        this(identity, graph, null);
    }

    private BranchPart(PartIdentity identity, ComputationGraph graph, @Nullable Path file) {
        this.identity = identity;
        this.graph = graph;
        this.file = file;
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
        WholeFile.write(
                file, draft -> ModelWriter.write(draft, graph, false, Map.of(ENTRY, JSON.writeValueAsBytes(identity))));
    }

    /**
     * Reads a part that {@link #save} wrote. The file may come from a stranger: it is checked, and no Java objects
     * are read from it. Only classes of Deeplearning4j and ND4J are loaded because of it, and those that the system
     * property {@code dl4jpipeline.model.classes} names. That property takes names of classes, or of packages with a
     * dot at the end, separated by commas.
     *
     * @throws UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it holds something else; the message names the file, the entry and the reason
     */
    public static BranchPart load(Path file) {
        Given.notNull("file", file);
        try (ModelArchive archive = ModelArchive.open(file, Set.of(ENTRY))) {
            return new BranchPart(
                    identity(file, archive.requireText(ENTRY, LARGEST_ENTRY)), archive.graph(false), file);
        } catch (ModelFileException e) {
            throw notAPart(e.getMessage(), e);
        }
    }

    private static PartIdentity identity(Path file, String json) {
        String place = file + ", entry " + ENTRY + ": ";
        try {
            PartIdentity identity = JSON.readValue(json, PartIdentity.class);
            if (identity == null) {
                throw notAPart(place + "it holds null", null);
            }
            return identity;
        } catch (ValueInstantiationException e) {
            throw notAPart(place + e.getCause().getMessage(), e);
        } catch (JsonProcessingException e) {
            throw notAPart(place + e.getOriginalMessage(), e);
        }
    }

    private static IllegalArgumentException notAPart(String reason, @Nullable Exception cause) {
        return new IllegalArgumentException(
                reason + "; this is no part of a branched network that BranchPart.save has written", cause);
    }

    /** {@link #title}, and the file that it was read from. */
    String titleAndFile() {
        return title() + (file == null ? "" : " in " + file);
    }

    @Override
    public String toString() {
        return title();
    }
}
