package io.github.dl4jpipeline.tile;

/**
 * Consecutive rows or columns of a map.
 *
 * @param from the first
 * @param to one after the last; empty if not above {@code from}
 */
public record Interval(int from, int to) {
    static final Interval EMPTY = new Interval(0, 0);

    /** All of a map that is {@code size} wide. */
    static Interval all(int size) {
        return new Interval(0, size);
    }

    public int size() {
        return Math.max(0, to - from);
    }

    boolean isEmpty() {
        return to <= from;
    }

    /** The smallest interval that holds both. */
    Interval hull(Interval other) {
        if (isEmpty()) {
            return other;
        }
        return other.isEmpty() ? this : new Interval(Math.min(from, other.from), Math.max(to, other.to));
    }

    /** The part of this inside a map that is {@code size} wide. */
    Interval clip(int size) {
        return new Interval(Math.max(0, from), Math.min(size, to));
    }
}
