package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Checks values of options. */
final class Options {
    private Options() {}

    /**
     * A value of 1 or more.
     *
     * @throws InputException if it is less; the message names the option
     */
    static int requirePositive(String option, int value) {
        if (value < 1) {
            throw new InputException(option + " must be at least 1, got " + value);
        }
        return value;
    }

    /** A value of 1 or more, or none. */
    static OptionalInt requirePositiveIfGiven(String option, @Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(requirePositive(option, value));
    }
}
