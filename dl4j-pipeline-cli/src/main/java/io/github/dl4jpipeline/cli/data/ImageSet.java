package io.github.dl4jpipeline.cli.data;

import static io.github.dl4jpipeline.cli.data.CifarFormat.IMAGE_BYTES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.RECORD_BYTES;

import java.util.List;
import java.util.zip.CRC32;

/** Labelled images in memory, as the records of {@link CifarFormat}. */
public final class ImageSet {
    private final byte[] records;
    private final int first;
    private final int size;

    private ImageSet(byte[] records, int first, int size) {
        this.records = records;
        this.first = first;
        this.size = size;
    }

    /** The images in whole, checked records; the array is not copied. */
    static ImageSet of(byte[] records) {
        return new ImageSet(records, 0, records.length / RECORD_BYTES);
    }

    /** The images of several sets, in their order; together they fit into one array. */
    static ImageSet join(List<ImageSet> sets) {
        if (sets.size() == 1) {
            return sets.get(0);
        }
        int images = sets.stream().mapToInt(ImageSet::size).sum();
        byte[] joined = new byte[Math.multiplyExact(images, RECORD_BYTES)];
        int at = 0;
        for (ImageSet set : sets) {
            System.arraycopy(set.records, set.offset(0), joined, at, set.size * RECORD_BYTES);
            at += set.size * RECORD_BYTES;
        }
        return of(joined);
    }

    /** The images from {@code from} up to and without {@code to}; shares memory with this set. */
    ImageSet slice(int from, int to) {
        return new ImageSet(records, first + from, to - from);
    }

    public int size() {
        return size;
    }

    /** The class of an image, from 0 to 9. */
    public int label(int image) {
        return records[offset(image)];
    }

    /** Writes an image as {@code [channels, height, width]}, pixels scaled from 0..255 to -1..1. */
    public void copyPixels(int image, float[] target, int at) {
        int pixels = offset(image) + 1;
        for (int i = 0; i < IMAGE_BYTES; i++) {
            target[at + i] = (records[pixels + i] & 0xff) / 127.5f - 1;
        }
    }

    /** A checksum (CRC-32) of labels and pixels. */
    public long checksum() {
        CRC32 checksum = new CRC32();
        checksum.update(records, offset(0), size * RECORD_BYTES);
        return checksum.getValue();
    }

    private int offset(int image) {
        return (first + image) * RECORD_BYTES;
    }
}
