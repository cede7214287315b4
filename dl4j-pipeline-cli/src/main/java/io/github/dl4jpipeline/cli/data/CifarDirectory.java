package io.github.dl4jpipeline.cli.data;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a directory with any of {@code data_batch_N.bin} and {@code test_batch.bin}. */
public final class CifarDirectory {
    static final String TEST_BATCH = "test_batch.bin";

    private static final Pattern TRAINING_BATCH = Pattern.compile("data_batch_(\\d{1,9})\\.bin");
    private static final int HOLD_OUT = 10;

    /** All training images are one array. */
    private static final long MOST_BYTES = 2_000_000_000;

    private CifarDirectory() {}

    /**
     * Reads every training batch, in the order of their numbers, and the test batch. Without a test batch, the last tenth
     * of the training images is held out for testing.
     *
     * @throws InputException if the directory is missing, has no training batch or more than fit into memory, or a batch is
     *     not whole
     */
    public static ImageData read(Path directory) {
        SortedMap<Integer, Path> batches = trainingBatches(directory);
        if (batches.isEmpty()) {
            throw new InputException("Directory " + directory + " holds no training batch; expected data_batch_1.bin or"
                    + " another data_batch_N.bin of CIFAR-10's binary version");
        }
        requireFits(directory, batches.values());
        ImageSet train =
                ImageSet.join(batches.values().stream().map(CifarFile::read).toList());
        Path testBatch = directory.resolve(TEST_BATCH);
        return Files.exists(testBatch)
                ? withTest(directory, train, CifarFile.read(testBatch))
                : withHoldOut(directory, train);
    }

    private static void requireFits(Path directory, Collection<Path> batches) {
        long bytes = 0;
        for (Path batch : batches) {
            try {
                bytes += Files.size(batch);
            } catch (IOException e) {
                throw new InputException("Cannot read " + batch + ": " + Failures.reason(e), e);
            }
        }
        if (bytes > MOST_BYTES) {
            throw new InputException("Directory " + directory + " has training batches of " + bytes
                    + " bytes together; at most " + MOST_BYTES + " are possible");
        }
    }

    private static ImageData withTest(Path directory, ImageSet train, ImageSet test) {
        return new ImageData(
                directory.toString(),
                train,
                test,
                directory + ": " + train.size() + " training images, " + test.size() + " test images");
    }

    private static ImageData withHoldOut(Path directory, ImageSet all) {
        if (all.size() < 2) {
            throw new InputException("Directory " + directory + " has no " + TEST_BATCH + " and only 1 training image,"
                    + " so none can be held out for testing");
        }
        int test = Math.max(1, all.size() / HOLD_OUT);
        int train = all.size() - test;
        return new ImageData(
                directory.toString(),
                all.slice(0, train),
                all.slice(train, all.size()),
                directory + ": no " + TEST_BATCH + ", so the last " + test + " of the " + all.size()
                        + " training images are held out for testing; " + train + " are left for training");
    }

    private static SortedMap<Integer, Path> trainingBatches(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new InputException("Data directory " + directory
                    + (Files.exists(directory) ? " is not a directory" : " does not exist")
                    + "; leave out --data for generated images, or add --download for CIFAR-10");
        }
        SortedMap<Integer, Path> batches = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Matcher matcher = TRAINING_BATCH.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    batches.put(Integer.valueOf(matcher.group(1)), file);
                }
            }
        } catch (IOException e) {
            throw new InputException("Cannot list directory " + directory + ": " + Failures.reason(e), e);
        }
        return batches;
    }
}
