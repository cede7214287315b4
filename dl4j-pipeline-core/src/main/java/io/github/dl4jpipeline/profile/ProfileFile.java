package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

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
        WholeFile.write(file, draft -> JSON.writeValue(draft.toFile(), profile));
    }

    /** See {@link GraphProfile#toJson}. */
    static String toJson(GraphProfile profile) {
        try {
            return JSON.writeValueAsString(profile);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of numbers and texts
        }
    }

    /** See {@link GraphProfile#fromJson}. */
    static GraphProfile fromJson(String name, String json) {
        GraphProfile profile;
        try {
            profile = JSON.readValue(json, GraphProfile.class);
        } catch (JsonProcessingException e) {
            throw notAProfile(name, describe(e), e);
        }
        if (profile == null) {
            throw notAProfile(name, "it holds null", null);
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
                throw notAProfile(
                        file.toString(), "it has " + Files.size(file) + " bytes, more than " + MOST_BYTES, null);
            }
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw notAProfile(file.toString(), "it is no text in UTF-8", e);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read profile " + file + ": " + e.getMessage(), e);
        }
    }

    private static IllegalArgumentException notAProfile(String name, String reason, @Nullable Exception cause) {
        return new IllegalArgumentException(name + " is not a profile: " + reason, cause);
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
