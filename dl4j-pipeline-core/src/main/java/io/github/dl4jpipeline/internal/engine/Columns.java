package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Window;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The values that a convolution multiplies for each place of its output, as rows of a matrix: {@code [examples * places, channels *
 * values of the kernel]}, in the order of its weights. Maps are channels last.
 */
final class Columns {
    private final List<Tap> taps = new ArrayList<>();
    private final Layout maps;
    private final long rows;
    private final long columns;
    private final boolean isPadded;
    private final boolean overlap;

    /** What one value of the kernel reads: from an offset in the maps to an offset in the columns. */
    private record Tap(long fromOffset, Layout from, long toOffset, Layout to) {}

    /**
     * @param shape of the maps: examples, channels, height, width
     * @param output height and width
     */
    Columns(long[] shape, long[] output, Window window) {
        long kernelWidth = window.kernel()[1];
        maps = channelsLast(shape);
        rows = shape[0] * output[0] * output[1];
        columns = shape[1] * window.kernel()[0] * kernelWidth;
        boolean padded = false;
        for (long y = 0; y < window.kernel()[0]; y++) {
            for (long x = 0; x < kernelWidth; x++) {
                Range down = places(output[0], shape[2], window, 0, y);
                Range across = places(output[1], shape[3], window, 1, x);
                padded |= down.size() < output[0] || across.size() < output[1];
                addTaps(down, across, shape, output, window, y * kernelWidth + x);
            }
        }
        isPadded = padded;
        overlap = overlaps(window, 0) || overlaps(window, 1);
    }

    /** Whether two places of the output may read the same place of a map. */
    private static boolean overlaps(Window window, int dimension) {
        return (window.kernel()[dimension] - 1) * window.dilation()[dimension] >= window.stride()[dimension];
    }

    /** Places of the output in one dimension: the first, how many, what the first reads, and how far apart those lie. */
    private record Range(long first, long size, long read, long step) {
        /** One of its places. */
        Range at(long index) {
            return new Range(first + index, 1, read + index * step, 1);
        }

        /** Whether what it reads, with gaps, ends within the map. oneDNN takes no other for a part of it. */
        boolean isWithin(long size) {
            return this.size * step <= size;
        }
    }

    /** For all places at once, or one by one. */
    private void addTaps(Range down, Range across, long[] shape, long[] output, Window window, long value) {
        if (down.isWithin(shape[2]) && across.isWithin(shape[3])) {
            addTap(down, across, shape, output, window, value);
            return;
        }
        for (long y = 0; y < down.size(); y++) {
            for (long x = 0; x < across.size(); x++) {
                addTap(down.at(y), across.at(x), shape, output, window, value);
            }
        }
    }

    private void addTap(Range down, Range across, long[] shape, long[] output, Window window, long value) {
        if (down.size() == 0 || across.size() == 0) {
            return;
        }
        long channels = shape[1];
        long width = shape[3];
        long values = window.kernel()[0] * window.kernel()[1];
        long[] part = {shape[0], channels, down.size(), across.size()};
        Layout from = Layout.strided(
                part,
                new long[] {shape[2] * width * channels, 1, down.step() * width * channels, across.step() * channels});
        Layout to = Layout.strided(
                part, new long[] {output[0] * output[1] * columns, values, output[1] * columns, columns});
        taps.add(new Tap(
                (down.read() * width + across.read()) * channels,
                from,
                (down.first() * output[1] + across.first()) * columns + value,
                to));
    }

    static Layout channelsLast(long[] shape) {
        return Layout.strided(shape, new long[] {shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]});
    }

    /** The places of the output for which a value of the kernel lies in the map. */
    private static Range places(long output, long size, Window window, int dimension, long value) {
        long shift = value * window.dilation()[dimension] - window.before()[dimension];
        long stride = window.stride()[dimension];
        long first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
        long last = size - 1 - shift < 0 ? -1 : Math.min(output - 1, (size - 1 - shift) / stride);
        return new Range(first, Math.max(0, last + 1 - first), first * stride + shift, stride);
    }

    Layout maps() {
        return maps;
    }

    /** Whether they are the maps as they are, place after place. */
    boolean areMaps() {
        return taps.size() == 1
                && taps.get(0).from().equals(maps)
                && taps.get(0).to().equals(maps);
    }

    long rows() {
        return rows;
    }

    long columns() {
        return columns;
    }

    /** Writes the columns of maps. */
    void unfold(INDArray from, INDArray to, Reorders reorders, Space space) {
        if (isPadded) {
            to.assign(0);
        }
        for (Tap tap : taps) {
            reorders.write(at(from, tap.fromOffset()), tap.from(), at(to, tap.toOffset()), tap.to(), space);
        }
    }

    /** Adds up in each value of the maps what its columns hold. */
    void fold(INDArray from, INDArray to, Reorders reorders, Space space) {
        to.assign(0);
        for (Tap tap : taps) {
            INDArray column = at(from, tap.toOffset());
            INDArray place = at(to, tap.fromOffset());
            if (overlap) {
                reorders.add(column, tap.to(), place, tap.from(), space);
            } else {
                reorders.write(column, tap.to(), place, tap.from(), space);
            }
        }
    }

    private static INDArray at(INDArray floats, long offset) {
        return offset == 0 ? floats : floats.get(NDArrayIndex.interval(offset, floats.length()));
    }
}
