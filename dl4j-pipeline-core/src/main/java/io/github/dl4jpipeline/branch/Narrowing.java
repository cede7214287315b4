package io.github.dl4jpipeline.branch;

/**
 * How narrow the layers of one branch get.
 *
 * @param branches number of branches, the divisor of widths
 * @param fattening what a branch is wider than its share, as a fraction: 0.1 is 10 %
 */
record Narrowing(int branches, double fattening) {

    /** Width of a layer: its share rounded down, or, fattened, to the nearest; at least 1. */
    long narrow(long width) {
        if (fattening == 0) {
            return Math.max(1, width / branches);
        }
        return Math.max(1, Math.round((double) width / branches * (1 + fattening)));
    }
}
