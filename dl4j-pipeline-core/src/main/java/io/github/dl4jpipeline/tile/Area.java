package io.github.dl4jpipeline.tile;

/** A rectangle of a map. */
public record Area(Interval rows, Interval columns) {
    static final Area EMPTY = new Area(Interval.EMPTY, Interval.EMPTY);

    /** A whole map. */
    public static Area all(int height, int width) {
        return new Area(Interval.all(height), Interval.all(width));
    }

    /** How many values of a channel lie in it. */
    public long elements() {
        return (long) rows.size() * columns.size();
    }

    /** Whether nothing lies in it. */
    public boolean isEmpty() {
        return rows.isEmpty() || columns.isEmpty();
    }

    /** The smallest rectangle that holds both. */
    Area hull(Area other) {
        if (isEmpty()) {
            return other;
        }
        return other.isEmpty() ? this : new Area(rows.hull(other.rows), columns.hull(other.columns));
    }

    Area clip(int height, int width) {
        return new Area(rows.clip(height), columns.clip(width));
    }

    /** The part of it that lies in one of {@code shares} equal shares of a map's rows; it may be empty. */
    public Area rowsOf(int share, int shares, int height) {
        int from = (int) ((long) height * share / shares);
        int to = (int) ((long) height * (share + 1) / shares);
        return new Area(new Interval(Math.max(rows.from(), from), Math.min(rows.to(), to)), columns);
    }
}
