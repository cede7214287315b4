package io.github.dl4jpipeline.cli.data;

import static io.github.dl4jpipeline.cli.data.CifarFormat.CHANNELS;
import static io.github.dl4jpipeline.cli.data.CifarFormat.CLASSES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.RECORD_BYTES;
import static io.github.dl4jpipeline.cli.data.CifarFormat.SIZE;

import java.util.Random;

/**
 * Images that are drawn, not photographed, for trying a network without any download: a coloured shape on a grey gradient,
 * with noise. The class decides the hue and the shape; place, size, brightness and background are random. They have the
 * format of CIFAR-10 and nothing else of it.
 */
public final class GeneratedImages {
    /** What the data are called wherever they are reported. */
    public static final String NAME = "generated";

    private static final int TRAIN = 2_000;
    private static final int TEST = 500;
    private static final double NOISE = 20;

    private GeneratedImages() {}

    /** 2,000 training and 500 test images, the same for the same seed. */
    public static ImageData data(long seed) {
        return new ImageData(
                NAME,
                ImageSet.of(records(seed, 0, TRAIN)),
                ImageSet.of(records(seed, 1, TEST)),
                "generated images (drawn shapes, not CIFAR-10): " + TRAIN + " training images, " + TEST
                        + " test images");
    }

    /**
     * Records as in a batch file, the classes in turn.
     *
     * @param part another part has other images of the same kind
     */
    static byte[] records(long seed, int part, int count) {
        byte[] records = new byte[count * RECORD_BYTES];
        Random random = new Random(seed * 31 + part);
        for (int i = 0; i < count; i++) {
            draw(i % CLASSES, random, records, i * RECORD_BYTES);
        }
        return records;
    }

    private static void draw(int label, Random random, byte[] records, int at) {
        records[at] = (byte) label;
        double hue = (label + 0.3 * (random.nextDouble() - 0.5)) / CLASSES;
        double saturation = 0.6 + 0.4 * random.nextDouble();
        double brightness = 0.5 + 0.5 * random.nextDouble();
        double[] colour = {
            256 * colour(5, hue, saturation, brightness),
            256 * colour(3, hue, saturation, brightness),
            256 * colour(1, hue, saturation, brightness)
        };
        Shape shape = Shape.values()[label % Shape.values().length];
        double radius = 6 + 6 * random.nextDouble();
        double x = radius + (SIZE - 2 * radius) * random.nextDouble();
        double y = radius + (SIZE - 2 * radius) * random.nextDouble();
        double grey = 60 + 120 * random.nextDouble();
        double slopeX = 4 * (random.nextDouble() - 0.5);
        double slopeY = 4 * (random.nextDouble() - 0.5);
        for (int row = 0; row < SIZE; row++) {
            for (int column = 0; column < SIZE; column++) {
                boolean inside = shape.contains((column - x) / radius, (row - y) / radius);
                double background = grey + slopeX * (column - SIZE / 2.0) + slopeY * (row - SIZE / 2.0);
                for (int channel = 0; channel < CHANNELS; channel++) {
                    double value = inside ? colour[channel] : background;
                    records[at + 1 + (channel * SIZE + row) * SIZE + column] =
                            toByte(value + NOISE * random.nextGaussian());
                }
            }
        }
    }

    /** One channel, from 0 to 1, of a colour given by hue, saturation and brightness; offset 5 is red, 3 green, 1 blue. */
    private static double colour(int offset, double hue, double saturation, double brightness) {
        double sector = (offset + 6 * hue + 6) % 6;
        return brightness * (1 - saturation * Math.max(0, Math.min(1, Math.min(sector, 4 - sector))));
    }

    private static byte toByte(double value) {
        return (byte) Math.max(0, Math.min(255, Math.round(value)));
    }

    /** Shapes within the square from -1 to 1. */
    private enum Shape {
        DISC,
        SQUARE,
        RING,
        CROSS,
        TRIANGLE;

        boolean contains(double x, double y) {
            double distance = Math.hypot(x, y);
            return switch (this) {
                case DISC -> distance <= 1;
                case SQUARE -> Math.abs(x) <= 0.9 && Math.abs(y) <= 0.9;
                case RING -> distance <= 1 && distance >= 0.55;
                case CROSS -> Math.min(Math.abs(x), Math.abs(y)) <= 0.3 && Math.max(Math.abs(x), Math.abs(y)) <= 1;
                case TRIANGLE -> y <= 1 && y >= -1 && Math.abs(x) <= (y + 1) / 2;
            };
        }
    }
}
