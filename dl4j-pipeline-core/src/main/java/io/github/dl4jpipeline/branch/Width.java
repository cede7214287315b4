package io.github.dl4jpipeline.branch;

import java.util.List;

/**
 * The width of an activation, in channels or values, before and after narrowing.
 *
 * @param from in the original network; 0 for what a branch gets whole, whatever its width
 * @param to in a branch
 */
record Width(long from, long to) {
    static final Width WHOLE = new Width(0, 0);

    boolean isWhole() {
        return from == 0;
    }

    /**
     * That of activations side by side.
     *
     * @throws IllegalArgumentException if only some of them are whole, so that the sum is unknown
     */
    static Width sideBySide(List<Width> widths) {
        if (widths.stream().allMatch(Width::isWhole)) {
            return WHOLE;
        }
        if (widths.stream().anyMatch(Width::isWhole)) {
            throw new IllegalArgumentException("it merges an input of the network with what layers have computed");
        }
        return new Width(
                widths.stream().mapToLong(Width::from).sum(),
                widths.stream().mapToLong(Width::to).sum());
    }

    /**
     * That of activations combined value by value.
     *
     * @throws IllegalArgumentException if they differ
     */
    static Width same(List<Width> widths) {
        Width first = widths.get(0);
        if (!widths.stream().allMatch(first::equals)) {
            throw new IllegalArgumentException(
                    "it combines activations that are narrowed differently, such as an input of the network and a"
                            + " layer's output; put a convolution 1x1 before it");
        }
        return first;
    }

    /**
     * A size that is a multiple of this width, such as the length of flattened channels, after narrowing.
     *
     * @throws IllegalArgumentException if it is no multiple
     */
    long scale(long size) {
        if (isWhole()) {
            return size;
        }
        if (size % from != 0) {
            throw new IllegalArgumentException(
                    "its input of " + size + " values is no multiple of the width " + from + " of what it reads");
        }
        return size / from * to;
    }
}
