package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarDirectoryTest {
    @TempDir
    private Path directory;

    @Test
    void readsEveryTrainingBatchInTheOrderOfNumbers() {
        TestBatches.write(directory.resolve("data_batch_10.bin"), 1, 3);
        TestBatches.write(directory.resolve("data_batch_2.bin"), 2, 5);
        TestBatches.write(directory.resolve("test_batch.bin"), 3, 4);

        ImageData data = CifarDirectory.read(directory);

        assertThat(data.train().size()).isEqualTo(8);
        assertThat(data.test().size()).isEqualTo(4);
        assertThat(labels(data.train())).containsExactly(0, 1, 2, 3, 4, 0, 1, 2);
        assertThat(data.name()).isEqualTo(directory.toString());
    }

    @Test
    void holdsOutTheLastTenthWithoutATestBatchAndSaysSo() {
        TestBatches.write(directory.resolve("data_batch_1.bin"), 1, 37);

        ImageData data = CifarDirectory.read(directory);

        assertThat(data.train().size()).isEqualTo(34);
        assertThat(labels(data.test())).containsExactly(4, 5, 6);
        assertThat(data.description()).contains("last 3 of the 37 training images are held out");
    }

    @Test
    void refusesASingleImageWithoutATestBatch() {
        TestBatches.write(directory.resolve("data_batch_1.bin"), 1, 1);
        assertRefused("only 1 training image");
    }

    @Test
    void refusesAMissingDirectory() {
        Path missing = directory.resolve("missing");
        assertThatThrownBy(() -> CifarDirectory.read(missing))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Data directory " + missing + " does not exist; leave out --data");
    }

    @Test
    void refusesAFileInPlaceOfADirectory() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> CifarDirectory.read(file))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("is not a directory");
    }

    @Test
    void refusesADirectoryWithoutTrainingBatches() {
        TestBatches.write(directory.resolve("test_batch.bin"), 1, 2);
        TestBatches.write(directory.resolve("data_batch_x.bin"), 1, 2);
        assertRefused("holds no training batch");
    }

    @Test
    void refusesAnEmptyBatch() {
        TestBatches.write(directory.resolve("data_batch_1.bin"), new byte[0]);
        assertRefused("data_batch_1.bin is empty");
    }

    @Test
    void namesTheRecordThatIsTruncated() {
        byte[] whole = GeneratedImages.records(1, 1, 3);
        TestBatches.write(directory.resolve("data_batch_1.bin"), Arrays.copyOf(whole, whole.length - 73));
        assertRefused("data_batch_1.bin: record 2 is truncated, it has 3000 of 3073 bytes (the file has 9146)");
    }

    @Test
    void namesRecordAndValueOfAWrongLabel() {
        byte[] records = GeneratedImages.records(1, 1, 20);
        records[17 * CifarFormat.RECORD_BYTES] = (byte) 200;
        TestBatches.write(directory.resolve("data_batch_1.bin"), 1, 20);
        TestBatches.write(directory.resolve("test_batch.bin"), records);
        assertRefused("test_batch.bin: record 17 has label 200; labels are 0 to 9");
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> CifarDirectory.read(directory))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(message)
                .hasMessageContaining(directory.toString());
    }

    private static int[] labels(ImageSet images) {
        int[] labels = new int[images.size()];
        Arrays.setAll(labels, images::label);
        return labels;
    }
}
