package io.github.dl4jpipeline.internal.profile;

/**
 * How thoroughly to profile.
 *
 * @param brief whether some ways are left out: passes with undivided backward tasks, devices beside each other with their whole
 *     share of the examples, few examples on all cores, and two micro-batches of a step
 * @param warmUp rounds that do not count; in the first two, memory is taken
 * @param least rounds that count
 * @param most rounds that count, while there is time
 * @param nanos time for more than the least rounds
 * @param runsNanos time for several passes in one measurement
 * @param firstNanos a graph whose first pass takes longer is measured with fewer examples, and warmed up once
 */
public record Effort(boolean brief, int warmUp, int least, int most, long nanos, long runsNanos, long firstNanos) {
    private static final long MILLI = 1_000_000;

    /** Enough for a plan to begin with, which a thorough profile is to follow: in about a second, or some for a large network. */
    public static final Effort FIRST = new Effort(true, 2, 1, 4, 100 * MILLI, 10 * MILLI, 1_000 * MILLI);

    /** Enough for a plan to stay with, in about a second for a small network. */
    public static final Effort BRIEF = new Effort(true, 2, 1, 4, 300 * MILLI, 10 * MILLI, Long.MAX_VALUE);

    /** Enough to choose between plans that are nearly alike. */
    public static final Effort THOROUGH = new Effort(false, 2, 3, 6, 4_000 * MILLI, 100 * MILLI, Long.MAX_VALUE);
}
