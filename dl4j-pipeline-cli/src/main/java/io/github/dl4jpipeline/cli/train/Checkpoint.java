package io.github.dl4jpipeline.cli.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.model.HeldPlan;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;

/**
 * The file of a run after some epochs: an ordinary model of Deeplearning4j with the updater's state, which run it is of, how
 * it is trained, and checksums of it all.
 *
 * @param model the model
 * @param run the run
 * @param plan how it is trained
 */
record Checkpoint(Model model, RunIdentity run, HeldPlan plan) {
    private static final String RUN = "dl4j-pipeline-run.json";
    private static final int LARGEST_RUN = 1 << 20;

    /** @throws java.io.UncheckedIOException if it cannot be written; an existing file is then as before */
    void write(Path file) {
        Map<String, byte[]> entries = new LinkedHashMap<>(plan.entries());
        WholeFile.write(file, draft -> {
            entries.put(RUN, Json.MAPPER.writeValueAsBytes(run));
            ModelWriter.write(draft, model, true, entries);
        });
    }

    /**
     * Reads a checkpoint of a run.
     *
     * @throws InputException if it is of another run
     * @throws java.io.UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it is damaged, or no checkpoint; the message names the file
     */
    static Checkpoint read(Path file, RunIdentity wanted) {
        try (ModelArchive archive = open(file)) {
            RunIdentity run = run(file, archive.requireText(RUN, LARGEST_RUN));
            wanted.requireSame(run, file);
            HeldPlan plan = HeldPlan.of(archive, file.toString());
            return new Checkpoint(archive.model(true), run, plan);
        }
    }

    /**
     * Reads the plan of a checkpoint of any run.
     *
     * @throws java.io.UncheckedIOException if the file cannot be read
     * @throws IllegalArgumentException if it is damaged, or no checkpoint; the message names the file
     */
    static HeldPlan readPlan(Path file) {
        try (ModelArchive archive = open(file)) {
            return HeldPlan.of(archive, file.toString());
        }
    }

    private static ModelArchive open(Path file) {
        Set<String> entries = new HashSet<>(HeldPlan.ENTRIES);
        entries.add(RUN);
        return ModelArchive.open(file, entries).requireChecksums();
    }

    private static RunIdentity run(Path file, String json) {
        try {
            RunIdentity run = Json.MAPPER.readValue(json, RunIdentity.class);
            if (run != null) {
                return run;
            }
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(file + ", entry " + RUN + ": " + e.getOriginalMessage(), e);
        }
        throw new IllegalArgumentException(file + ", entry " + RUN + ": it holds null");
    }
}
