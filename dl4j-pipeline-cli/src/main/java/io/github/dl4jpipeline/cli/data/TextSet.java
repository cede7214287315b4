package io.github.dl4jpipeline.cli.data;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/** A text in memory, cut into sequences: characters as numbers, from 0 on. At each character the next one is to be told. */
public final class TextSet {
    /** Characters of a sequence. */
    public static final int STEPS = 100;

    private final byte[] codes;
    private final int first;
    private final int size;

    /**
     * Sequences of a text.
     *
     * @param first the first sequence, counted from the begin of the text
     * @param size number of sequences
     */
    TextSet(byte[] codes, int first, int size) {
        this.codes = codes;
        this.first = first;
        this.size = size;
    }

    /** How many sequences a text of so many characters has. The last character is only a label. */
    static int sequences(int characters) {
        return Math.max(0, characters - 1) / STEPS;
    }

    public int size() {
        return size;
    }

    /** The number of a character. Step {@link #STEPS} of a sequence is its last label. */
    public int code(int sequence, int step) {
        return codes[(first + sequence) * STEPS + step] & 0xff;
    }

    /** A checksum (CRC-32) of the characters. */
    long checksum(int[] alphabet) {
        CRC32 checksum = new CRC32();
        checksum.update(Arrays.toString(alphabet).getBytes(StandardCharsets.US_ASCII));
        checksum.update(codes, first * STEPS, size * STEPS + 1);
        return checksum.getValue();
    }
}
