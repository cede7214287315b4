package io.github.dl4jpipeline.examples.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A file that is written in one step: its content goes to a hidden draft beside it, which then takes its name. Whatever
 * happens, readers see the old file or the whole new one.
 *
 * @param path where the content goes
 */
public record OutputFile(Path path) {

    /** Writes the content of a file to its draft, which does not exist yet. */
    public interface Content {
        void writeTo(Path draft) throws IOException;
    }

    /**
     * A file that can be written, as found by writing a draft and deleting it.
     *
     * @param name what asks for the file, for the error
     * @throws InputException if it cannot be written
     */
    public static OutputFile probe(String name, Path path) {
        if (Files.isDirectory(path)) {
            throw new InputException(name + " " + path + " is a directory; give the name of a file");
        }
        OutputFile file = new OutputFile(path);
        try {
            Files.write(file.draft(), new byte[1]);
            Files.delete(file.draft());
        } catch (IOException e) {
            throw new InputException(
                    name + " " + path + " cannot be written in " + file.directory() + ": " + Failures.reason(e), e);
        }
        return file;
    }

    /**
     * Writes the file, replacing an existing one.
     *
     * @throws UncheckedIOException if that fails; an existing file is then as before
     */
    public void write(Content content) {
        try {
            try {
                content.writeTo(draft());
                Files.move(draft(), path, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(draft());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + path + ": " + Failures.reason(e), e);
        }
    }

    private Path directory() {
        Path parent = path.toAbsolutePath().getParent();
        return parent == null ? path.toAbsolutePath() : parent;
    }

    private Path draft() {
        return directory()
                .resolve(
                        "." + path.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    }
}
