package io.github.dl4jpipeline.profile;

import java.time.Duration;

/**
 * How far a profile has come.
 *
 * @param done passes of the graph, forward and backward, that have been measured or have warmed up
 * @param expected passes in all; fewer where time runs out
 * @param elapsed time since profiling began
 * @param examples with how many examples the graph is profiled
 * @param vertices how many vertices it has
 */
public record ProfilingProgress(int done, int expected, Duration elapsed, int examples, int vertices) {
    /** The share that is done, from 0 to 1. */
    public double share() {
        return expected == 0 ? 1 : Math.min(1, (double) done / expected);
    }
}
