package io.github.dl4jpipeline.internal.partition;

import java.util.Locale;

/** Numbers of bytes for people. */
public final class Bytes {
    private static final double KILO = 1e3;
    private static final double MEGA = 1e6;
    private static final double GIGA = 1e9;

    private Bytes() {}

    /** The number with a unit that suits it, such as {@code 12.0 KB}. */
    public static String text(long bytes) {
        if (bytes < KILO) {
            return bytes + " B";
        } else if (bytes < MEGA) {
            return format("%.1f KB", bytes / KILO);
        }
        return bytes < GIGA ? format("%.1f MB", bytes / MEGA) : format("%.1f GB", bytes / GIGA);
    }

    private static String format(String pattern, double value) {
        return String.format(Locale.ROOT, pattern, value);
    }
}
