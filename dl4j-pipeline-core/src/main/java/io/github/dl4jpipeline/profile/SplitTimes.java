package io.github.dl4jpipeline.profile;

/**
 * What becomes of a vertex's backward pass if parameter gradients have a task of their own.
 *
 * @param weightMillis the part of the backward time that parameter gradients take which can wait for a task of their own
 * @param moreMillis what both parts together take longer than the backward pass in one
 */
public record SplitTimes(double weightMillis, double moreMillis) {
    /** Nothing can wait. */
    public static final SplitTimes NONE = new SplitTimes(0, 0);

    /** The times for {@code factor} times as many examples, with which the backward pass takes {@code others}. */
    SplitTimes times(double factor, PassTimes backward, PassTimes others) {
        return new SplitTimes(
                backward.millis() == 0
                        ? 0
                        : Math.min(others.millis(), weightMillis * (others.millis() / backward.millis())),
                moreMillis * factor);
    }
}
