package io.github.dl4jpipeline.internal.file;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * SHA-256 of the contents of the entries of a file.
 *
 * @param byEntry hexadecimal digits
 */
record EntryChecksums(Map<String, String> byEntry) {
    static final String ENTRY = "dl4j-pipeline-checksums.json";
    static final int LARGEST = 1 << 16;

    private static final JsonMapper JSON = new JsonMapper();

    /** @throws ModelFileException if these are none */
    static EntryChecksums parse(byte[] json) throws IOException {
        try {
            Map<String, String> byEntry = JSON.readValue(json, new TypeReference<Map<String, String>>() {});
            if (byEntry == null || byEntry.containsValue(null)) {
                throw new ModelFileException("it has no checksums in its entry " + ENTRY);
            }
            return new EntryChecksums(byEntry);
        } catch (JsonProcessingException e) {
            throw new ModelFileException("its entry " + ENTRY + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    byte[] json() throws IOException {
        return JSON.writeValueAsBytes(new TreeMap<>(byEntry));
    }

    Set<String> names() {
        return byEntry.keySet();
    }

    Optional<String> of(String entry) {
        return Optional.ofNullable(byEntry.get(entry));
    }

    static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has SHA-256
        }
    }
}
