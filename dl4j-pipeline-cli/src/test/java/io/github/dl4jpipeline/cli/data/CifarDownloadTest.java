package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.io.InputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarDownloadTest {
    private static final String PARTIAL = "cifar-10-binary.tar.gz.part";

    @TempDir
    private Path temporary;

    @Test
    void unpacksWhatItHasVerified() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        Path directory = temporary.resolve("new/data");
        List<Long> progress = new ArrayList<>();
        try (ArchiveServer server = new ArchiveServer(archive, true, 0)) {
            download(server, archive).into(directory, progress::add);
        }

        assertThat(names(directory)).containsExactlyInAnyOrderElementsOf(CifarDownload.BATCHES);
        assertThat(CifarDirectory.read(directory).train().size()).isEqualTo(15);
        assertThat(progress).isSorted().endsWith((long) archive.length);
    }

    @Test
    void goesOnAfterACutConnection() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        try (ArchiveServer server = new ArchiveServer(archive, true, 2)) {
            CifarDownload download = download(server, archive);
            download.into(temporary, bytes -> {});

            assertThat(download.isComplete(temporary)).isTrue();
            assertThat(server.requestedRanges()).hasSize(3);
            assertThat(server.requestedRanges().get(0)).isEmpty();
            // How much of what was sent has arrived when a connection is cut differs from run to run.
            String range = server.requestedRanges().get(1).orElseThrow();
            assertThat(range).matches("bytes=\\d+-");
            assertThat(Integer.parseInt(range.replaceAll("\\D", ""))).isBetween(1, archive.length / 2);
        }
    }

    @Test
    void goesOnFromAnEarlierRun() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        Files.write(temporary.resolve(PARTIAL), Arrays.copyOf(archive, 100));
        try (ArchiveServer server = new ArchiveServer(archive, true, 0)) {
            download(server, archive).into(temporary, bytes -> {});

            assertThat(server.requestedRanges()).containsExactly(Optional.of("bytes=100-"));
            assertThat(names(temporary)).containsExactlyInAnyOrderElementsOf(CifarDownload.BATCHES);
        }
    }

    @Test
    void startsAgainWhereTheServerServesNoRanges() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        Files.write(temporary.resolve(PARTIAL), new byte[100]);
        try (ArchiveServer server = new ArchiveServer(archive, false, 0)) {
            CifarDownload download = download(server, archive);
            download.into(temporary, bytes -> {});
            assertThat(download.isComplete(temporary)).isTrue();
        }
    }

    @Test
    void discardsAnArchiveWithAWrongChecksum() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        try (ArchiveServer server = new ArchiveServer(archive, true, 0)) {
            CifarArchive other = new CifarArchive(server.address("/archive.tar.gz"), archive.length, "00ff");
            assertThatThrownBy(() -> new CifarDownload(other).into(temporary, bytes -> {}))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("checksum")
                    .hasMessageContaining("expected SHA-256 00ff, got " + sha256(archive));
        }
        assertThat(names(temporary)).isEmpty();
    }

    @Test
    void leavesNoBatchOfAnArchiveThatLacksOne() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES.subList(0, 4));
        try (ArchiveServer server = new ArchiveServer(archive, true, 0)) {
            assertThatThrownBy(() -> download(server, archive).into(temporary, bytes -> {}))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("the archive holds no data_batch_5.bin");
        }
        assertThat(names(temporary)).containsExactly(PARTIAL);
    }

    @Test
    void saysWhatTheServerAnswers() throws IOException {
        try (ArchiveServer server = new ArchiveServer(new byte[10], true, 0)) {
            CifarArchive missing = new CifarArchive(server.address("/missing"), 10, "");
            assertThatThrownBy(() -> new CifarDownload(missing).into(temporary, bytes -> {}))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("/missing answers with status 404");
        }
    }

    @Test
    void refusesMoreBytesThanExpected() throws IOException {
        byte[] archive = archive(CifarDownload.BATCHES);
        try (ArchiveServer server = new ArchiveServer(archive, true, 0)) {
            CifarArchive shorter = new CifarArchive(server.address("/archive.tar.gz"), 50, "");
            assertThatThrownBy(() -> new CifarDownload(shorter).into(temporary, bytes -> {}))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("more than the expected 50 bytes");
        }
    }

    @Test
    void doesNotMixWithBatchesThatAreThere() {
        TestBatches.write(temporary.resolve("data_batch_2.bin"), 1, 1);
        assertThatThrownBy(() -> CifarDownload.official().into(temporary, bytes -> {}))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("has data_batch_2.bin but not all of CIFAR-10");
    }

    @Test
    void refusesADirectoryThatCannotBeMade() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        assertThatThrownBy(() -> CifarDownload.official().into(file.resolve("data"), bytes -> {}))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("Cannot download into " + file.resolve("data"));
    }

    private static CifarDownload download(ArchiveServer server, byte[] archive) {
        return new CifarDownload(new CifarArchive(server.address("/archive.tar.gz"), archive.length, sha256(archive)));
    }

    /** An archive like the official one, with 3 images in each batch. */
    private static byte[] archive(List<String> batches) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GzipCompressorOutputStream(bytes))) {
            add(tar, "cifar-10-batches-bin/batches.meta.txt", "airplane\n".getBytes(StandardCharsets.US_ASCII));
            for (String batch : batches) {
                add(tar, "cifar-10-batches-bin/" + batch, GeneratedImages.records(1, batch.hashCode(), 3));
            }
        }
        return bytes.toByteArray();
    }

    private static void add(TarArchiveOutputStream tar, String name, byte[] content) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
