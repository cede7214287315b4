package io.github.dl4jpipeline.cli.io;

import io.github.dl4jpipeline.internal.file.WholeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is written in one step, see {@link WholeFile}: readers see the old file or the whole new one.
 *
 * @param path where the content goes
 */
public record OutputFile(Path path) {

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
        try {
            WholeFile.probe(path);
        } catch (IOException e) {
            throw new InputException(
                    name + " " + path + " cannot be written in "
                            + path.toAbsolutePath().getParent() + ": " + Failures.reason(e),
                    e);
        }
        return new OutputFile(path);
    }

    /**
     * Writes the file, replacing an existing one.
     *
     * @throws UncheckedIOException if that fails; an existing file is then as before
     */
    public void write(WholeFile.Content content) {
        try {
            WholeFile.write(path, content);
        } catch (UncheckedIOException e) {
            throw new UncheckedIOException("Cannot write " + path + ": " + Failures.reason(e.getCause()), e.getCause());
        }
    }
}
