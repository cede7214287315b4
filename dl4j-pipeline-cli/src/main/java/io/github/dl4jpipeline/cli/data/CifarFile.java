package io.github.dl4jpipeline.cli.data;

import static io.github.dl4jpipeline.cli.data.CifarFormat.CLASSES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.RECORD_BYTES;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads one file of records, and accepts it only as a whole. */
final class CifarFile {
    /** More than the whole of CIFAR-10. */
    private static final long MOST_BYTES = 1L << 30;

    private CifarFile() {}

    /**
     * Reads and checks a file.
     *
     * @throws InputException if it cannot be read, is empty or larger than {@value #MOST_BYTES} bytes, ends within a record
     *     or holds a label over 9; the message names file, record (counted from 0) and value
     */
    static ImageSet read(Path file) {
        byte[] bytes;
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new InputException(file + " has " + Files.size(file) + " bytes; at most " + MOST_BYTES
                        + " are possible, so split it into several batches");
            }
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new InputException("Cannot read " + file + ": " + Failures.reason(e), e);
        }
        return check(file, bytes);
    }

    private static ImageSet check(Path file, byte[] bytes) {
        if (bytes.length == 0) {
            throw new InputException(file + " is empty; expected records of " + RECORD_BYTES + " bytes, got 0 bytes");
        }
        int rest = bytes.length % RECORD_BYTES;
        if (rest != 0) {
            throw new InputException(file + ": record " + bytes.length / RECORD_BYTES + " is truncated, it has " + rest
                    + " of " + RECORD_BYTES + " bytes (the file has " + bytes.length + ")");
        }
        for (int record = 0; record < bytes.length / RECORD_BYTES; record++) {
            int label = bytes[record * RECORD_BYTES] & 0xff;
            if (label >= CLASSES) {
                throw new InputException(
                        file + ": record " + record + " has label " + label + "; labels are 0 to " + (CLASSES - 1));
            }
        }
        return ImageSet.of(bytes);
    }
}
