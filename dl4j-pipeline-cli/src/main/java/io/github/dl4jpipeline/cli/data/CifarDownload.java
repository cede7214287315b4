package io.github.dl4jpipeline.cli.data;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.LongConsumer;

/** Brings CIFAR-10 into a directory: downloads, verifies, and only then unpacks. */
public final class CifarDownload {
    /** The files of the archive that are used. */
    static final List<String> BATCHES = List.of(
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            CifarDirectory.TEST_BATCH);

    private static final String PARTIAL = "cifar-10-binary.tar.gz.part";

    private final CifarArchive archive;

    CifarDownload(CifarArchive archive) {
        this.archive = archive;
    }

    /** The download from the address of CIFAR-10's authors. */
    public static CifarDownload official() {
        return new CifarDownload(CifarArchive.OFFICIAL);
    }

    /** The size of what is downloaded. */
    public long bytes() {
        return archive.bytes();
    }

    /** Whether a directory has all batches. */
    public boolean isComplete(Path directory) {
        return BATCHES.stream().allMatch(batch -> Files.exists(directory.resolve(batch)));
    }

    /**
     * Puts all batches into a directory, which is created if need be. If it fails the directory has none of them; what
     * has been downloaded stays there in a partial file, and the next call goes on from it.
     *
     * @param progress takes the number of bytes that are there
     * @throws InputException if the directory cannot be written, or has some of the batches
     * @throws UncheckedIOException if the download fails or is not what is expected
     */
    public void into(Path directory, LongConsumer progress) {
        prepare(directory);
        Path partial = directory.resolve(PARTIAL);
        try {
            new ResumableDownload(archive, partial, progress).run();
            verify(partial);
            BatchArchive.unpack(partial, directory);
            Files.delete(partial);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot download CIFAR-10: " + Failures.reason(e), e);
        }
    }

    private static void prepare(Path directory) {
        for (String batch : BATCHES) {
            if (Files.exists(directory.resolve(batch))) {
                throw new InputException("Directory " + directory + " has " + batch + " but not all of CIFAR-10; a"
                        + " download does not mix with it, so give another directory");
            }
        }
        try {
            Files.createDirectories(directory);
            Files.delete(Files.createTempFile(directory, ".probe", null));
        } catch (IOException e) {
            throw new InputException("Cannot download into " + directory + ": " + Failures.reason(e), e);
        }
    }

    /** A file with a wrong checksum is deleted, since going on from it would give the same again. */
    private void verify(Path partial) throws IOException {
        String actual = sha256(partial);
        if (!actual.equals(archive.sha256())) {
            Files.delete(partial);
            throw new IOException("the checksum of " + archive.address() + " is wrong: expected SHA-256 "
                    + archive.sha256() + ", got " + actual + "; the download has been discarded");
        }
    }

    private static String sha256(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(new BufferedInputStream(Files.newInputStream(file)), digest)) {
                in.transferTo(OutputStream.nullOutputStream());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
