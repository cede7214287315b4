package io.github.dl4jpipeline.profile;

/**
 * How long a pass of a vertex takes.
 *
 * @param millis median
 * @param fixedMillis the part of it that does not grow with the number of examples
 * @param worstMillis at its slowest, alone or with other devices
 */
public record PassTimes(double millis, double fixedMillis, double worstMillis) {
    /** Of what is not computed. */
    public static final PassTimes NONE = new PassTimes(0, 0, 0);

    /** The times for {@code factor} times as many examples. */
    PassTimes times(double factor) {
        double others = fixedMillis + (millis - fixedMillis) * factor;
        return new PassTimes(others, fixedMillis, millis == 0 ? 0 : worstMillis * (others / millis));
    }
}
