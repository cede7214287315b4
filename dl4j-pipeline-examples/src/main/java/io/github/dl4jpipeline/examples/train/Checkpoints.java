package io.github.dl4jpipeline.examples.train;

import io.github.dl4jpipeline.examples.io.Failures;
import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.examples.io.Json;
import io.github.dl4jpipeline.examples.io.OutputFile;
import io.github.dl4jpipeline.examples.model.ModelFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;

/**
 * The checkpoints of a run, one file after each epoch: an ordinary model of Deeplearning4j with the updater's state, and
 * one more entry that says which run it is of.
 */
public final class Checkpoints {
    private static final String RUN_ENTRY = "dl4j-pipeline-run.json";
    private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{4,9})\\.zip");

    private final Path directory;

    private Checkpoints(Path directory) {
        this.directory = directory;
    }

    /**
     * One checkpoint.
     *
     * @param file where it is
     * @param epochs number of epochs that have been trained
     */
    public record Checkpoint(Path file, int epochs) {

        /**
         * The model.
         *
         * @param run the run that wants to go on from here
         * @throws InputException if the file is damaged, or of another run
         */
        public Model restore(RunIdentity run) {
            run.requireSame(identity(), file);
            return ModelFile.read(file);
        }

        private RunIdentity identity() {
            try (FileSystem zip = FileSystems.newFileSystem(file)) {
                return Json.MAPPER.readValue(Files.readAllBytes(zip.getPath(RUN_ENTRY)), RunIdentity.class);
            } catch (IOException e) {
                throw new InputException("Cannot resume from " + file + ": " + Failures.reason(e), e);
            }
        }
    }

    /**
     * A directory for the checkpoints of a new run, which is created if need be.
     *
     * @throws InputException if it cannot be written, or holds checkpoints
     */
    public static Checkpoints create(Path directory) {
        Checkpoints checkpoints = writable(directory);
        checkpoints.latest().ifPresent(latest -> {
            throw new InputException("Checkpoint directory " + directory + " holds "
                    + latest.file().getFileName() + " of an earlier run; give --resume to go on from it, or another"
                    + " directory");
        });
        return checkpoints;
    }

    /**
     * The directory of a run that is resumed.
     *
     * @throws InputException if it cannot be written
     */
    public static Checkpoints existing(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("Cannot resume: checkpoint directory " + directory
                    + (Files.exists(directory) ? " is not a directory" : " does not exist"));
        }
        return writable(directory);
    }

    private static Checkpoints writable(Path directory) {
        try {
            Files.createDirectories(directory);
            Files.delete(Files.createTempFile(directory, ".probe", null));
        } catch (IOException e) {
            throw new InputException(
                    "Checkpoint directory " + directory + " cannot be written: " + Failures.reason(e), e);
        }
        return new Checkpoints(directory);
    }

    /**
     * The checkpoint with most epochs.
     *
     * @throws InputException if there is none
     */
    public Checkpoint requireLatest() {
        return latest().orElseThrow(() -> new InputException("Cannot resume: checkpoint directory " + directory
                + " holds no checkpoint; leave --resume out to start"));
    }

    private Optional<Checkpoint> latest() {
        Optional<Checkpoint> latest = Optional.empty();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Matcher matcher = NAME.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    Checkpoint found = new Checkpoint(file, Integer.parseInt(matcher.group(1)));
                    latest = latest.filter(other -> other.epochs() > found.epochs())
                            .or(() -> Optional.of(found));
                }
            }
        } catch (IOException e) {
            throw new InputException("Cannot list directory " + directory + ": " + Failures.reason(e), e);
        }
        return latest;
    }

    /** Writes the checkpoint after an epoch, in one step. */
    void save(Model model, RunIdentity run, int epochs) {
        Path file = directory.resolve(String.format(Locale.ROOT, "checkpoint-%04d.zip", epochs));
        new OutputFile(file).write(draft -> {
            ModelSerializer.writeModel(model, draft.toFile(), true);
            try (FileSystem zip = FileSystems.newFileSystem(draft)) {
                Files.write(zip.getPath(RUN_ENTRY), Json.MAPPER.writeValueAsBytes(run));
            }
        });
    }
}
