package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.exception.ModelFileException;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory with the checkpoints of a run, one file after each epoch, of which the last ones are kept. Older ones are
 * deleted only when the new one is safely on the disk.
 */
public final class Checkpoints {
    private static final Logger log = LoggerFactory.getLogger(Checkpoints.class);
    private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{4,9})\\.zip");
    private static final String PROBE = "checkpoint";

    private final Path directory;
    private final int keep;

    /** A file by its name. */
    private record Numbered(Path file, int epochs) {}

    /**
     * The checkpoint that a run goes on from.
     *
     * @param epochs number of epochs that have been trained
     */
    record Latest(Path file, int epochs, Checkpoint content) {}

    private Checkpoints(Path directory, int keep) {
        this.directory = directory;
        this.keep = keep;
    }

    /**
     * A directory for the checkpoints of a new run, which is created if need be.
     *
     * @param keep how many are kept
     * @throws InputException if it cannot be written, or holds checkpoints
     */
    public static Checkpoints create(Path directory, int keep) {
        Checkpoints checkpoints = writable(directory, keep);
        checkpoints.newestFirst().stream().findFirst().ifPresent(latest -> {
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
    public static Checkpoints existing(Path directory, int keep) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("Cannot resume: checkpoint directory " + directory
                    + (Files.exists(directory) ? " is not a directory" : " does not exist"));
        }
        return writable(directory, keep);
    }

    /** Removes what runs that were killed have left half written. */
    private static Checkpoints writable(Path directory, int keep) {
        try {
            Files.createDirectories(directory);
            WholeFile.removeAbandoned(directory, name -> NAME.matcher(name).matches());
            WholeFile.probe(directory.resolve(PROBE));
        } catch (IOException e) {
            throw new InputException(
                    "Checkpoint directory " + directory + " cannot be written: " + Failures.reason(e), e);
        }
        return new Checkpoints(directory, keep);
    }

    /**
     * The checkpoint with most epochs that is whole.
     *
     * @param run the run that wants to go on from here
     * @param warnings takes a text for each newer one that is damaged
     * @throws InputException if there is none, or it is of another run
     * @throws UncheckedIOException if one cannot be read, although it may be whole
     */
    Latest requireLatest(RunIdentity run, Consumer<String> warnings) {
        return requireLatest(file -> Checkpoint.read(file, run), warnings);
    }

    /** The same, where tests say how a file is read. */
    Latest requireLatest(Function<Path, Checkpoint> reader, Consumer<String> warnings) {
        List<String> damaged = new ArrayList<>();
        for (Numbered newest : newestFirst()) {
            try {
                Latest latest = new Latest(newest.file(), newest.epochs(), reader.apply(newest.file()));
                damaged.forEach(reason -> warnings.accept("damaged checkpoint " + reason));
                return latest;
            } catch (IllegalArgumentException | UncheckedIOException | OutOfMemoryError e) {
                String reason = String.valueOf(e.getMessage());
                String name = newest.file().toString();
                String named = reason.startsWith(name) ? reason : name + ": " + reason;
                if (!isDamaged(newest.file(), e)) {
                    throw new UncheckedIOException(
                            "Cannot resume: " + named + "\nThe checkpoint may be whole, so no older one is used. Try"
                                    + " again, or move it away to go on from the one before",
                            new IOException(e));
                }
                damaged.add(named);
            }
        }
        throw new InputException(
                damaged.isEmpty()
                        ? "Cannot resume: checkpoint directory " + directory
                                + " holds no checkpoint; leave --resume out to start"
                        : "Cannot resume from " + String.join("\nnor from ", damaged)
                                + "\nLeave --resume out and give another --checkpoint-dir to start again");
    }

    /** Whether a checkpoint is damaged that cannot be read, and not only memory was short or the disk failed. */
    private static boolean isDamaged(Path file, Throwable failure) {
        if (failure instanceof ModelFileException refused) {
            return !refused.isOutOfMemory();
        }
        return failure instanceof IllegalArgumentException || Files.isDirectory(file);
    }

    private List<Numbered> newestFirst() {
        try (Stream<Path> files = Files.list(directory)) {
            List<Numbered> found = new ArrayList<>();
            for (Path file : files.toList()) {
                Matcher name = NAME.matcher(file.getFileName().toString());
                if (name.matches()) {
                    found.add(new Numbered(file, Integer.parseInt(name.group(1))));
                }
            }
            found.sort(Comparator.comparingInt(Numbered::epochs).reversed());
            return found;
        } catch (IOException e) {
            throw new InputException("Cannot list directory " + directory + ": " + Failures.reason(e), e);
        }
    }

    /**
     * Writes the checkpoint after an epoch, in one step, then deletes those that are not kept.
     *
     * @throws UncheckedIOException if it cannot be written
     */
    void save(Checkpoint checkpoint, int epochs) {
        Path file = directory.resolve(String.format(Locale.ROOT, "checkpoint-%04d.zip", epochs));
        setAside(file);
        checkpoint.write(file);
        newestFirst().stream()
                .filter(other -> other.epochs() <= epochs)
                .skip(keep)
                .forEach(old -> delete(old.file()));
    }

    /** A directory with the name of a checkpoint cannot be replaced by one. */
    private static void setAside(Path file) {
        if (Files.isDirectory(file)) {
            int number = 1;
            while (Files.exists(aside(file, number))) {
                number++;
            }
            try {
                Files.move(file, aside(file, number));
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot write " + file + ", which is a directory", e);
            }
        }
    }

    private static Path aside(Path file, int number) {
        return file.resolveSibling(file.getFileName() + ".damaged-" + number);
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            log.warn("Cannot delete the old checkpoint {}: {}", file, Failures.reason(e));
        }
    }
}
