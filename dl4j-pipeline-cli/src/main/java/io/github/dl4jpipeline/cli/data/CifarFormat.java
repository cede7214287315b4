package io.github.dl4jpipeline.cli.data;

/**
 * The binary format of CIFAR-10: records of a label byte and 3,072 pixel bytes, first the red plane, then the green, then
 * the blue one, each row by row. Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
 * University of Toronto, 2009.
 */
public final class CifarFormat {
    public static final int SIZE = 32;
    public static final int CHANNELS = 3;
    public static final int CLASSES = 10;
    public static final int IMAGE_BYTES = CHANNELS * SIZE * SIZE;
    public static final int RECORD_BYTES = 1 + IMAGE_BYTES;

    private CifarFormat() {}
}
