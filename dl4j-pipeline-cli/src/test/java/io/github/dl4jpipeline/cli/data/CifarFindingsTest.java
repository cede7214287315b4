package io.github.dl4jpipeline.cli.data;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Damaged archives and oversized batches that once were not refused as they should. */
class CifarFindingsTest {
    private static final int BLOCK = 512;
    private static final int SIZE_FIELD = 124;

    @TempDir
    private Path directory;

    @Test
    void wholeOnesAreRead() throws IOException {
        CifarContract.archive(CifarArchives.compressed(CifarArchives.tar()));
        CifarContract.batches(new byte[2 * CifarFormat.RECORD_BYTES], new byte[CifarFormat.RECORD_BYTES]);
    }

    @Test
    void halvesAreRefused() throws IOException {
        byte[] tar = CifarArchives.tar();
        byte[] archive = CifarArchives.compressed(tar);
        CifarContract.archive(Arrays.copyOf(archive, archive.length / 2));
        CifarContract.archive(CifarArchives.compressed(Arrays.copyOf(tar, BLOCK + 100)));
        CifarContract.archive(new byte[0]);
    }

    /** The checksum of the header is made right again, since else the header is refused for that. */
    @ParameterizedTest
    @CsvSource({"124,777777777777", "124,xxxxxxxxxxxx", "124,77777777777 ", "156,x", "156,L", "156,S", "156,1", "345,x"
    })
    void damagedHeadersAreRefused(int at, String value) throws IOException {
        byte[] tar = CifarArchives.tar();
        System.arraycopy(value.getBytes(US_ASCII), 0, tar, at, value.length());
        CifarArchives.repair(tar, 0);
        CifarContract.archive(CifarArchives.compressed(tar));
    }

    @Test
    void aBatchThatClaimsToBeLargerThanAnyIsRefused() throws IOException {
        byte[] tar = CifarArchives.tar();
        System.arraycopy("17777777777 ".getBytes(US_ASCII), 0, tar, SIZE_FIELD, 12);
        CifarArchives.repair(tar, 0);
        Path archive = Files.write(directory.resolve("cifar.tar.gz"), CifarArchives.compressed(tar));
        assertThatThrownBy(() -> BatchArchive.unpack(archive, directory))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("data_batch_1.bin has 2147483647 bytes, CIFAR-10's have 30730000")
                .hasMessageContaining(archive.toString());
    }

    @Test
    void aBatchTooLargeForMemoryIsRefused() throws IOException {
        Path batch = sparse("data_batch_1.bin");
        assertThatThrownBy(() -> CifarFile.read(batch))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(batch + " has 1611137024 bytes; at most 1073741824 are possible");
        sparse("data_batch_2.bin");
        assertThatThrownBy(() -> CifarDirectory.read(directory))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("3222274048 bytes together");
    }

    /** A large file that takes no place on disk. */
    private Path sparse(String name) throws IOException {
        Path file = directory.resolve(name);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength((long) CifarFormat.RECORD_BYTES << 19);
        }
        return file;
    }
}
