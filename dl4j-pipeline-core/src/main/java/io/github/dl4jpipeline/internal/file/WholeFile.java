package io.github.dl4jpipeline.internal.file;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes files whole or not at all: the content goes to a hidden draft beside the file, is forced to the disk, and takes the
 * file's name. Whatever happens, readers see the old file or the whole new one, also after the machine has lost power.
 *
 * <p>A draft has the name {@code .FILE.PROCESS.part}. One that a killed process has left is removed by whoever writes the
 * same file next, or by {@link #removeAbandoned}.
 */
public final class WholeFile {
    private static final Pattern DRAFT = Pattern.compile("\\.(.+)\\.(\\d{1,10})\\.part");

    private WholeFile() {}

    /** Writes the content of a file to a draft, which does not exist yet. */
    public interface Content {
        void writeTo(Path draft) throws IOException;
    }

    /**
     * Writes a file, replacing an existing one.
     *
     * @throws UncheckedIOException if the file cannot be written; an existing one is then as before, and no draft is left
     */
    public static void write(Path file, Content content) {
        Path draft = draft(file);
        try {
            removeAbandoned(directory(file), file.getFileName().toString()::equals);
            try {
                content.writeTo(draft);
                force(draft);
                Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(draft);
            }
            forceDirectory(directory(file));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Writes a draft of a file and deletes it, to see whether the file can be written.
     *
     * @throws IOException if it cannot
     */
    public static void probe(Path file) throws IOException {
        removeAbandoned(directory(file), file.getFileName().toString()::equals);
        try {
            Files.write(draft(file), new byte[1]);
        } finally {
            Files.deleteIfExists(draft(file));
        }
    }

    /**
     * Removes drafts in a directory whose process has ended.
     *
     * @param names of the files whose drafts are looked for
     * @throws IOException if the directory cannot be read, or a draft not be removed
     */
    public static void removeAbandoned(Path directory, Predicate<String> names) throws IOException {
        try (DirectoryStream<Path> drafts = Files.newDirectoryStream(directory, ".*.part")) {
            for (Path draft : drafts) {
                Matcher name = DRAFT.matcher(draft.getFileName().toString());
                if (name.matches()
                        && names.test(name.group(1))
                        && Files.isRegularFile(draft)
                        && !isBeingWritten(draft, Long.parseLong(name.group(2)))) {
                    Files.deleteIfExists(draft);
                }
            }
        }
    }

    /** Whether a process with this number runs that is older than the draft; numbers are used again. */
    private static boolean isBeingWritten(Path draft, long process) throws IOException {
        Instant written = Files.getLastModifiedTime(draft).toInstant();
        return ProcessHandle.of(process)
                .filter(handle -> handle.info()
                        .startInstant()
                        .map(start -> !start.isAfter(written))
                        .orElse(true))
                .isPresent();
    }

    private static void force(Path draft) throws IOException {
        try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Makes the new name last. Some systems cannot open directories; there this is left to them. */
    private static void forceDirectory(Path directory) {
        FileChannel channel;
        try {
            channel = FileChannel.open(directory, StandardOpenOption.READ);
        } catch (IOException cannotBeOpened) {
            return;
        }
        try (channel) {
            channel.force(true);
        } catch (IOException cannotBeForced) {
            return; // the file is there all the same
        }
    }

    private static Path directory(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    private static Path draft(Path file) {
        return directory(file)
                .resolve(
                        "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    }
}
