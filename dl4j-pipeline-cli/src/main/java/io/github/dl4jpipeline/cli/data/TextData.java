package io.github.dl4jpipeline.cli.data;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalLong;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * A text to train and test on. The last tenth of its sequences is held out for testing.
 *
 * @param name where the text is from: {@code generated}, or the file
 * @param alphabet its different characters, as Unicode's code points in ascending order
 * @param train the sequences to train on, at least one
 * @param test the sequences to test on, at least one
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record TextData(String name, int[] alphabet, TextSet train, TextSet test) implements TrainingData {
    /** Steps of a segment in training. */
    public static final int SEGMENT = 50;

    static final int MOST_CHARACTERS = 256;

    private static final int HOLD_OUT = 10;
    private static final int LEAST = 2 * TextSet.STEPS + 1;

    /** Code points and codes are arrays. */
    private static final long MOST_BYTES = 200_000_000;

    /**
     * Reads a text in UTF-8.
     *
     * @throws InputException if the file cannot be read, is no such text, is shorter than two sequences, or has too many
     *     different characters
     */
    public static TextData read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException("Text file " + file
                    + (Files.exists(file) ? " is not a file; give the path of one text" : " does not exist"));
        }
        try {
            long bytes = Files.size(file);
            if (bytes > MOST_BYTES) {
                throw new InputException("Text file " + file + " has " + bytes + " bytes; at most " + MOST_BYTES
                        + " are possible. Give a part of it");
            }
            return of(file.toString(), "Text file " + file, Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new InputException("Text file " + file + " is not text in UTF-8; convert it to UTF-8", e);
        } catch (IOException e) {
            throw new InputException("Text file " + file + " cannot be read: " + Failures.reason(e), e);
        }
    }

    /** @param what how messages call it */
    static TextData of(String name, String what, String text) {
        int[] points = text.codePoints().toArray();
        if (points.length == 0) {
            throw new InputException(what + " is empty; give one of at least " + LEAST + " characters");
        }
        if (points.length < LEAST) {
            throw new InputException(what + " has " + points.length + " characters; at least " + LEAST
                    + " are needed, for one sequence of " + TextSet.STEPS + " to train on and one to test on");
        }
        int[] alphabet = Arrays.stream(points).sorted().distinct().toArray();
        if (alphabet.length > MOST_CHARACTERS) {
            throw new InputException(what + " has " + alphabet.length + " different characters; at most "
                    + MOST_CHARACTERS + " are possible. Replace rare characters, or give a text in an alphabet");
        }
        if (alphabet.length < 2) {
            throw new InputException(what + " has only one character over and over; give a text of at least two");
        }
        byte[] codes = new byte[points.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) Arrays.binarySearch(alphabet, points[i]);
        }
        int all = TextSet.sequences(codes.length);
        int test = Math.max(1, all / HOLD_OUT);
        return new TextData(name, alphabet, new TextSet(codes, 0, all - test), new TextSet(codes, all - test, test));
    }

    /** The number of different characters. */
    public int characters() {
        return alphabet.length;
    }

    @Override
    public String description() {
        return (name.equals(GeneratedText.NAME) ? "generated text" : name) + ": " + characters()
                + " different characters, " + train.size() + " training sequences of " + TextSet.STEPS
                + " characters; the last " + test.size() + " are held out for testing";
    }

    @Override
    public String examples() {
        return "sequences";
    }

    @Override
    public int trainSize() {
        return train.size();
    }

    @Override
    public int testSize() {
        return test.size();
    }

    @Override
    public long trainChecksum() {
        return train.checksum(alphabet);
    }

    @Override
    public int segments() {
        return TextSet.STEPS / SEGMENT;
    }

    @Override
    public ExampleBatches trainBatches(int batch, long seed) {
        return new TextBatches(train, characters(), batch, OptionalLong.of(seed));
    }

    @Override
    public DataSetIterator testBatches(int batch) {
        return new TextBatches(test, characters(), batch, OptionalLong.empty());
    }
}
