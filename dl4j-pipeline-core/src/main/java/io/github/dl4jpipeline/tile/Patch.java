package io.github.dl4jpipeline.tile;

/**
 * What a vertex reads of another's map in one tile.
 *
 * @param vertex the other vertex, as index in the region
 * @param area the part of its map
 * @param top rows of padding above, for the border of the whole map; never within it
 * @param bottom rows of padding below
 * @param left columns of padding before
 * @param right columns of padding after
 */
public record Patch(int vertex, Area area, int top, int bottom, int left, int right) {

    /** The part of a map, inside {@code height} by {@code width}, of what is needed; the rest is padding. */
    static Patch of(int vertex, Area needed, int height, int width) {
        Area inside = needed.clip(height, width);
        return new Patch(
                vertex,
                inside,
                inside.rows().from() - needed.rows().from(),
                needed.rows().to() - inside.rows().to(),
                inside.columns().from() - needed.columns().from(),
                needed.columns().to() - inside.columns().to());
    }

    public boolean isPadded() {
        return top + bottom + left + right > 0;
    }

    /** Whether it is anything but an array of {@code area} as it is. */
    public boolean isCopied(Area whole) {
        return isPadded() || !area.equals(whole);
    }

    /** Values of a channel, padding included. */
    public long elements() {
        return (long) (area.rows().size() + top + bottom) * (area.columns().size() + left + right);
    }
}
