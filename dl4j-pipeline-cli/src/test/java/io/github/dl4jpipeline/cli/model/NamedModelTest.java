package io.github.dl4jpipeline.cli.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.TinyModel;
import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedModelTest {
    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = directory.resolve("mine.zip");
    }

    @Test
    void readsAGraph() throws IOException {
        TinyModel.graph(10).save(file.toFile());
        NamedModel model = NamedModel.ofCifar(file.toString(), 1);
        assertThat(model.name()).isEqualTo("mine");
        assertThat(model.graph().params()).isEqualTo(TinyModel.graph(10).params());
    }

    @Test
    void readsAMultiLayerNetwork() throws IOException {
        MultiLayerNetwork network = TinyModel.network();
        network.save(file.toFile());
        NamedModel model = NamedModel.ofCifar(file.toString(), 1);
        assertThat(model.model()).isInstanceOf(MultiLayerNetwork.class);
        assertThat(model.parameters()).isEqualTo(network.numParams());
        assertThat(model.graph().numParams()).isEqualTo(network.numParams());
    }

    @Test
    void refusesAMissingFile() {
        assertRefused("does not exist");
    }

    @Test
    void refusesAFileThatIsNoZip() throws IOException {
        Files.writeString(file, "no zip");
        assertRefused("it is damaged");
    }

    @Test
    void refusesATruncatedModel() throws IOException {
        TinyModel.graph(10).save(file.toFile());
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
        assertRefused("it is damaged");
    }

    @Test
    void refusesAZipWithoutAModel() throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            new ZipOutputStream(out).close();
        }
        assertRefused("it has no entry configuration.json");
    }

    @Test
    void refusesAModelWithOtherClasses() throws IOException {
        TinyModel.graph(7).save(file.toFile());
        assertRefused("gives [1, 7] for one image; expected images [batch, 3, 32, 32] to give [batch, 10]");
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> NamedModel.ofCifar(file.toString(), 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }
}
