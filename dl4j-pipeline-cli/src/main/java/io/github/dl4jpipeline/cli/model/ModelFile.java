package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.exception.ModelFileException;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;

/** Reads a model that Deeplearning4j wrote, and that may be a stranger's: see {@link ModelArchive}. */
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
        try (ModelArchive archive = ModelArchive.open(file, Set.of())) {
            return archive.model(true);
        } catch (ModelFileException | UncheckedIOException e) {
            throw new InputException("Model file " + e.getMessage(), e);
        }
    }

    /**
     * Makes sure, before it is run, that a model from a file can be run with images.
     *
     * @throws InputException if a layer does not fit them
     */
    public static void requireFor(ImageSize images, Path file, Model model) {
        ActivationSizes.require(file, model, images.inputType());
    }
}
