package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

class TextDataTest {
    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("a.txt");
    }

    @Test
    void eachCharacterIsFollowedByItsLabel() throws IOException {
        String text = "ab\u00e9\ud83d\ude00".repeat(90);
        Files.writeString(file, text);
        TextData data = TextData.read(file);
        assertThat(data.characters()).isEqualTo(4);
        assertThat(data.trainSize()).isEqualTo(2);
        assertThat(data.testSize()).isEqualTo(1);
        assertThat(data.description())
                .isEqualTo(file + ": 4 different characters, 2 training sequences of 100 characters;"
                        + " the last 1 are held out for testing");

        DataSet test = data.testBatches(8).next();
        assertThat(test.getFeatures().shape()).containsExactly(1, 4, 100);
        int[] points = text.codePoints().toArray();
        INDArray read = test.getFeatures().argMax(1);
        INDArray told = test.getLabels().argMax(1);
        for (int step = 0; step < 100; step++) {
            assertThat(data.alphabet()[read.getInt(0, step)]).isEqualTo(points[200 + step]);
            assertThat(data.alphabet()[told.getInt(0, step)]).isEqualTo(points[201 + step]);
        }
        assertThat(test.getFeatures().sumNumber().intValue()).isEqualTo(100);
        assertThat(test.getLabels().sumNumber().intValue()).isEqualTo(100);
    }

    @Test
    void epochsHaveOrdersOfTheirOwn() {
        TextData data = GeneratedText.data(1);
        ExampleBatches batches = data.trainBatches(32, 3);
        INDArray first = batches.next().getFeatures();
        batches.startEpoch(1);
        assertThat(batches.next().getFeatures()).isNotEqualTo(first);
        batches.startEpoch(0);
        assertThat(batches.next().getFeatures()).isEqualTo(first);
        assertThat(batches.batches()).isEqualTo((data.trainSize() + 31) / 32);
    }

    @Test
    void theGeneratedTextFollowsFromTheSeed() {
        assertThat(GeneratedText.data(1).trainChecksum())
                .isEqualTo(GeneratedText.data(1).trainChecksum())
                .isNotEqualTo(GeneratedText.data(2).trainChecksum());
    }

    /** Texts with the same pattern in other letters are not the same. */
    @Test
    void theChecksumIsThatOfTheText() {
        assertThat(TextData.of("one", "one", "ab".repeat(200)).trainChecksum())
                .isNotEqualTo(TextData.of("two", "two", "xy".repeat(200)).trainChecksum());
    }

    @Test
    void namesTheFileAndTheFix() throws IOException {
        assertRefused("does not exist");
        Files.writeString(file, "");
        assertRefused("is empty; give one of at least 201 characters");
        Files.writeString(file, "a".repeat(200));
        assertRefused("has 200 characters; at least 201 are needed");
        Files.writeString(file, "a".repeat(201));
        assertRefused("has only one character over and over");
        Files.writeString(
                file,
                IntStream.range(0, 257).mapToObj(i -> "" + (char) (0x4e00 + i)).collect(Collectors.joining()));
        assertRefused("has 257 different characters; at most 256 are possible. Replace rare characters");
        Files.write(file, "caf\u00e9".repeat(100).getBytes(StandardCharsets.ISO_8859_1));
        assertRefused("is not text in UTF-8; convert it to UTF-8");
        Files.delete(file);
        Files.createDirectory(file);
        assertRefused("is not a file; give the path of one text");
    }

    private void assertRefused(String reason) {
        assertThatThrownBy(() -> TextData.read(file))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Text file " + file + " " + reason);
    }
}
