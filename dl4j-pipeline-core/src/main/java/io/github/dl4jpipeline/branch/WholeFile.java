package io.github.dl4jpipeline.branch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes files in one step: readers see the old file or the whole new one. */
final class WholeFile {
    private WholeFile() {}

    /** Writes the content of a file to a draft, which does not exist yet. */
    interface Content {
        void writeTo(Path draft) throws IOException;
    }

    /** @throws UncheckedIOException if the file cannot be written; an existing one is then as before */
    static void write(Path file, Content content) {
        Path draft = file.toAbsolutePath()
                .resolveSibling(
                        "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            try {
                content.writeTo(draft);
                Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
