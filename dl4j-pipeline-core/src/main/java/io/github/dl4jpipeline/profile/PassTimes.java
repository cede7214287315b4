package io.github.dl4jpipeline.profile;

/**
 * How long a pass of a vertex takes.
 *
 * @param millis median
 * @param fixedMillis the part of it that does not grow with the number of examples
 * @param worstMillis at its slowest, alone or with other devices
 * @param onceMillis the part of it that comes once for all micro-batches of a device in a step, such as packing weights
 */
public record PassTimes(double millis, double fixedMillis, double worstMillis, double onceMillis) {
    /** Of what is not computed. */
    public static final PassTimes NONE = new PassTimes(0, 0, 0);

    /** Of a pass that each micro-batch of a step has in full. */
    public PassTimes(double millis, double fixedMillis, double worstMillis) {
        this(millis, fixedMillis, worstMillis, 0);
    }

    /** The times for {@code factor} times as many examples. */
    PassTimes times(double factor) {
        double others = fixedMillis + (millis - fixedMillis) * factor;
        return new PassTimes(
                others, fixedMillis, millis == 0 ? 0 : worstMillis * (others / millis), Math.min(others, onceMillis));
    }

    /** The times of a micro-batch that takes more or less. */
    PassTimes plus(double more) {
        double others = millis + more;
        return new PassTimes(
                others,
                Math.max(0, Math.min(others, fixedMillis + more)),
                Math.max(0, Math.min(VertexCost.MOST_MILLIS, worstMillis + more)),
                Math.min(others, onceMillis));
    }
}
