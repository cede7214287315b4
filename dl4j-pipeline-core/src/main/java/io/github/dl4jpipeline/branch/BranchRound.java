package io.github.dl4jpipeline.branch;

import java.util.Locale;

/**
 * What one round of training gave.
 *
 * @param branches number of branches; 1 for the original network
 * @param fattening what branches were wider than their share, as a fraction
 * @param parameters number of parameters of the whole network
 * @param accuracy as the trial measured it, from 0 to 1
 * @param seconds that the trial took
 */
public record BranchRound(int branches, double fattening, long parameters, double accuracy, double seconds) {

    /** For people, in one line. */
    public String describe() {
        String name =
                branches == 1 ? "original" : branches + " branches, fattened by " + Math.round(100 * fattening) + " %";
        return String.format(
                Locale.ROOT, "%s: %,d parameters, accuracy %.4f, %.1f s", name, parameters, accuracy, seconds);
    }
}
