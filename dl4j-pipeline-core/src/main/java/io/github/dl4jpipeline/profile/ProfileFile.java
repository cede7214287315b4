package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.internal.file.TextFile;
import io.github.dl4jpipeline.internal.file.WholeFile;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Profiles as files. */
final class ProfileFile {
    private static final String KIND = "profile";

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .annotationIntrospector(new Required())
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private ProfileFile() {}

    /** Whatever is not marked otherwise has to be there. */
    private static final class Required extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1;

        @Override
        public Boolean hasRequiredMarker(AnnotatedMember member) {
            JsonProperty mark = member.getAnnotation(JsonProperty.class);
            return mark == null || mark.required();
        }
    }

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

    /** The text of a profile in whatever format; see {@link TextFile#read}. */
    static String text(Path file) {
        return TextFile.read(file, KIND);
    }

    private static IllegalArgumentException notAProfile(String name, String reason, @Nullable Exception cause) {
        return TextFile.not(KIND, name, reason, cause);
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
