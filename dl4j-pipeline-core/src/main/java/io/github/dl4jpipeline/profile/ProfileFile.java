package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Profiles as files. */
final class ProfileFile {
    /** A profile of as many vertices as there may be is smaller. */
    private static final long MOST_BYTES = 64L << 20;

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private ProfileFile() {}

    /** Writes a profile as JSON; see {@link GraphProfile#save}. */
    static void save(GraphProfile profile, Path file) {
        try {
            Path directory = file.toAbsolutePath().getParent();
            // Not a temporary file of Java's: those can be read by their owner only.
            Path draft = directory.resolve(
                    "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
            try {
                JSON.writeValue(draft.toFile(), profile);
                Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write profile " + file + ": " + e.getMessage(), e);
        }
    }

    /** Reads a profile from JSON; see {@link GraphProfile#load}. */
    static GraphProfile load(Path file) {
        GraphProfile profile;
        try {
            profile = JSON.readValue(text(file), GraphProfile.class);
        } catch (JsonProcessingException e) {
            throw notAProfile(file, describe(e), e);
        }
        if (profile == null) {
            throw notAProfile(file, "it holds null", null);
        }
        return profile;
    }

    /**
     * The text of a profile in whatever format.
     *
     * @throws UncheckedIOException if it cannot be read
     * @throws IllegalArgumentException if it is no text, or larger than any profile; the message names the file
     */
    static String text(Path file) {
        try {
            if (Files.isRegularFile(file) && Files.size(file) > MOST_BYTES) {
                throw notAProfile(file, "it has " + Files.size(file) + " bytes, more than " + MOST_BYTES, null);
            }
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw notAProfile(file, "it is no text in UTF-8", e);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read profile " + file + ": " + e.getMessage(), e);
        }
    }

    private static IllegalArgumentException notAProfile(Path file, String reason, Exception cause) {
        return new IllegalArgumentException(file + " is not a profile: " + reason, cause);
    }

    /** What is wrong and where. */
    private static String describe(JsonProcessingException e) {
        boolean refused = e instanceof ValueInstantiationException && e.getCause() instanceof IllegalArgumentException;
        String place = e.getLocation() == null
                ? ""
                : " (line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr() + ")";
        return (refused ? e.getCause().getMessage() : e.getOriginalMessage()) + place;
    }
}
