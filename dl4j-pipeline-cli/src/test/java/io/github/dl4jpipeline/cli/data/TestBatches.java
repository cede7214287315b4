package io.github.dl4jpipeline.cli.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes files of generated records. */
public final class TestBatches {
    private TestBatches() {}

    /** A directory with one training and one test batch. */
    public static Path directory(Path directory, int train, int test) {
        write(directory.resolve("data_batch_1.bin"), 1, train);
        write(directory.resolve("test_batch.bin"), 2, test);
        return directory;
    }

    /** A file with generated records. */
    public static void write(Path file, int part, int count) {
        write(file, GeneratedImages.records(5, part, count));
    }

    /** A file with any bytes. */
    public static void write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
