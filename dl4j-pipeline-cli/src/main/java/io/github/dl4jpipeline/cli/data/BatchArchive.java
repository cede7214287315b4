package io.github.dl4jpipeline.cli.data;

import io.github.dl4jpipeline.cli.io.Failures;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/** Takes the batches out of a {@code tar.gz}. */
final class BatchArchive {
    private static final long MOST_BYTES = 10_000L * CifarFormat.RECORD_BYTES;

    private BatchArchive() {}

    /**
     * Unpacks the batches into a temporary folder within the directory, and moves them into it when all are there. Names
     * of other files, and folders in names, do not matter.
     *
     * @throws IOException if the archive is not whole, lacks a batch, or has one twice or one that is larger than CIFAR-10's;
     *     the directory is then as before. The message names the archive
     */
    static void unpack(Path archive, Path directory) throws IOException {
        Path folder = Files.createTempDirectory(directory, ".unpacking");
        try {
            extract(archive, folder);
            for (String batch : CifarDownload.BATCHES) {
                if (!Files.exists(folder.resolve(batch))) {
                    throw new IOException(archive + ": the archive holds no " + batch);
                }
            }
            for (String batch : CifarDownload.BATCHES) {
                Files.move(folder.resolve(batch), directory.resolve(batch));
            }
        } finally {
            for (String batch : CifarDownload.BATCHES) {
                Files.deleteIfExists(folder.resolve(batch));
            }
            Files.delete(folder);
        }
    }

    private static void extract(Path archive, Path folder) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(archive));
                TarArchiveInputStream tar = new TarArchiveInputStream(new GzipCompressorInputStream(file))) {
            for (TarArchiveEntry entry = tar.getNextTarEntry(); entry != null; entry = tar.getNextTarEntry()) {
                String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
                if (entry.isFile() && CifarDownload.BATCHES.contains(name)) {
                    copy(tar, entry, folder.resolve(name));
                }
            }
        } catch (IOException | RuntimeException e) { // damaged headers are no IOExceptions
            throw new IOException(archive + " is not a whole archive of CIFAR-10: " + Failures.reason(e), e);
        }
    }

    private static void copy(TarArchiveInputStream tar, TarArchiveEntry entry, Path batch) throws IOException {
        if (entry.getSize() > MOST_BYTES) {
            throw new IOException(
                    batch.getFileName() + " has " + entry.getSize() + " bytes, CIFAR-10's have " + MOST_BYTES);
        }
        if (Files.exists(batch)) {
            throw new IOException("it holds " + batch.getFileName() + " twice");
        }
        if (Files.copy(tar, batch) < entry.getSize()) {
            throw new IOException("it ends within " + batch.getFileName());
        }
    }
}
