package io.github.dl4jpipeline.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** Whatever is in a file, it is read, or refused with the documented exception, which names the file. */
final class FileContract {
    private FileContract() {}

    /**
     * Reads a file with some content, then uses what has been read; both may refuse it.
     *
     * @param name of the file, with the ending that its format has
     * @throws AssertionError for any other exception; it names a copy of the file
     */
    static <T> void check(String name, byte[] content, Function<Path, T> reader, Use<T> use) {
        Path file = write(name, content);
        T read;
        try {
            read = reader.apply(file);
        } catch (IllegalArgumentException e) {
            if (e.getMessage() == null || !e.getMessage().contains(file.toString())) {
                throw broken(file, "the message does not name the file", e);
            }
            return;
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            throw broken(file, "another exception than the documented one", e);
        }
        try {
            use.accept(read);
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            throw broken(file, "it has been read, but cannot be used", e);
        }
    }

    /** What is done with something that has been read. */
    interface Use<T> {
        void accept(T read);
    }

    private static Path write(String name, byte[] content) {
        try {
            Path directory = Path.of("target", "fuzz");
            Files.createDirectories(directory);
            return Files.write(directory.resolve(ProcessHandle.current().pid() + "-" + name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static AssertionError broken(Path file, String what, Throwable cause) {
        try {
            Path copy =
                    Files.copy(file, file.resolveSibling("finding-" + System.nanoTime() + "-" + file.getFileName()));
            return new AssertionError(copy + ": " + what, cause);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
