package io.github.dl4jpipeline.internal.file;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Text files from strangers. */
public final class TextFile {
    private static final long MOST_BYTES = 64L << 20;

    private TextFile() {}

    /**
     * The text of a file.
     *
     * @param kind what it should hold, for errors
     * @throws UncheckedIOException if it cannot be read
     * @throws IllegalArgumentException if it is no text, or larger than any such file; the message names the file
     */
    public static String read(Path file, String kind) {
        try {
            if (Files.isRegularFile(file) && Files.size(file) > MOST_BYTES) {
                throw not(
                        kind, file.toString(), "it has " + Files.size(file) + " bytes, more than " + MOST_BYTES, null);
            }
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw not(kind, file.toString(), "it is no text in UTF-8", e);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + kind + " " + file + ": " + e.getMessage(), e);
        }
    }

    /** Says why a file, or where else a text is from, does not hold what it should. */
    public static IllegalArgumentException not(String kind, String name, String reason, @Nullable Exception cause) {
        return new IllegalArgumentException(name + " is not a " + kind + ": " + reason, cause);
    }
}
