package io.github.dl4jpipeline.examples.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.examples.io.Failures;
import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.examples.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;

/** Reads a model that Deeplearning4j's {@link ModelSerializer} wrote. */
public final class ModelFile {
    private ModelFile() {}

    /**
     * Reads a {@code ComputationGraph} or a {@code MultiLayerNetwork} with its updater's state.
     *
     * @throws InputException if the file cannot be read or holds neither
     */
    public static Model read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "Model file " + file + (Files.exists(file) ? " is not a file" : " does not exist"));
        }
        try {
            JsonNode configuration = configuration(file);
            if (configuration.has("vertices")) {
                return ModelSerializer.restoreComputationGraph(file.toFile(), true);
            } else if (configuration.has("confs")) {
                return ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
            }
        } catch (IOException | RuntimeException e) {
            throw new InputException(file + " is not a whole model of Deeplearning4j: " + Failures.reason(e), e);
        }
        throw new InputException(file + " holds neither a ComputationGraph nor a MultiLayerNetwork");
    }

    private static JsonNode configuration(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ZipEntry entry = zip.getEntry(ModelSerializer.CONFIGURATION_JSON);
            if (entry == null) {
                throw new IOException("it has no " + ModelSerializer.CONFIGURATION_JSON);
            }
            try (InputStream in = zip.getInputStream(entry)) {
                return Json.MAPPER.readTree(in);
            }
        }
    }
}
