package io.github.dl4jpipeline.cli.data;

import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Whatever is in a batch or an archive of batches, it is read, or refused with an error that names it. */
final class CifarContract {
    private CifarContract() {}

    /** Reads a directory with a training batch and a test batch. */
    static void batches(byte[] training, byte[] test) throws IOException {
        Path directory = directory();
        Path batch = Files.write(directory.resolve("data_batch_1.bin"), training);
        Files.write(directory.resolve(CifarDirectory.TEST_BATCH), test);
        try {
            ImageData data = CifarDirectory.read(directory);
            float[] pixels = new float[CifarFormat.IMAGE_BYTES];
            for (ImageSet images : List.of(data.train(), data.test())) {
                for (int image = 0; image < images.size(); image++) {
                    images.copyPixels(image, pixels, 0);
                    require(images.label(image) >= 0 && images.label(image) < CifarFormat.CLASSES, batch, null);
                }
            }
        } catch (InputException e) {
            require(e.getMessage().contains(directory.toString()), batch, e);
        } catch (RuntimeException | OutOfMemoryError e) {
            require(false, batch, e);
        }
    }

    /** Unpacks an archive; a refused one leaves nothing behind. */
    static void archive(byte[] content) throws IOException {
        Path directory = directory();
        Path archive = Files.write(directory.resolve("cifar.tar.gz"), content);
        try {
            BatchArchive.unpack(archive, directory);
        } catch (IOException e) {
            require(e.getMessage().contains(archive.toString()), archive, e);
            try (Stream<Path> files = Files.list(directory)) {
                require(files.toList().equals(List.of(archive)), archive, e);
            }
        } catch (RuntimeException | OutOfMemoryError e) {
            require(false, archive, e);
        }
    }

    private static void require(boolean holds, Path file, Throwable cause) throws IOException {
        if (!holds) {
            Path copy = Path.of("target", "finding-" + System.nanoTime() + "-" + file.getFileName());
            throw new AssertionError(Files.copy(file, copy) + " breaks the contract", cause);
        }
    }

    /** An empty directory. */
    private static Path directory() throws IOException {
        Path directory = Path.of("target", "fuzz", "" + ProcessHandle.current().pid());
        Files.createDirectories(directory);
        try (Stream<Path> files = Files.list(directory)) {
            files.forEach(CifarContract::delete);
        }
        return directory;
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
