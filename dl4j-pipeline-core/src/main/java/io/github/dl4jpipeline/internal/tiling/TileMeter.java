package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.tile.TileMeasurement;
import io.github.dl4jpipeline.tile.TileRegion;
import io.github.dl4jpipeline.tile.TileTask;

/** What the tiles of a lane have taken, by group and tile: bytes when they ran last, and their shortest times. */
final class TileMeter {
    private final long[][] bytes;
    private final long[][] forwardNanos;
    private final long[][] backwardNanos;

    TileMeter(TileRegion region) {
        bytes = perTile(region);
        forwardNanos = perTile(region);
        backwardNanos = perTile(region);
    }

    private static long[][] perTile(TileRegion region) {
        long[][] values = new long[region.groups().size()][];
        for (int group = 0; group < values.length; group++) {
            values[group] = new long[region.gridOf(group).tiles()];
        }
        return values;
    }

    void forward(TileTask task, long activationBytes, long nanos) {
        bytes[task.group()][task.tile()] = activationBytes;
        keepShortest(forwardNanos, task, nanos);
    }

    void backward(TileTask task, long nanos) {
        keepShortest(backwardNanos, task, nanos);
    }

    private static void keepShortest(long[][] all, TileTask task, long nanos) {
        long[] ofGroup = all[task.group()];
        long before = ofGroup[task.tile()];
        ofGroup[task.tile()] = before == 0 ? nanos : Math.min(before, nanos);
    }

    /** Bytes of a tile's activations; 0 if another lane runs it. */
    long bytes(int group, int tile) {
        return bytes[group][tile];
    }

    /** The shortest times of a tile's passes; 0 if another lane runs it. */
    TileMeasurement.TileTime time(int group, int tile) {
        return new TileMeasurement.TileTime(forwardNanos[group][tile] / 1e6, backwardNanos[group][tile] / 1e6);
    }
}
