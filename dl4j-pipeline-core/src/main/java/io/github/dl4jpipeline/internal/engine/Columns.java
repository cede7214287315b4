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

    /** What one value of the kernel reads: from an offset in the maps to an offset in the columns. */
    private record Tap(long fromOffset, Layout from, long toOffset, Layout to) {}

    /**
     * @param shape of the maps: examples, channels, height, width
     * @param output height and width
     */
    Columns(long[] shape, long[] output, Window window) {
        long channels = shape[1];
        long height = shape[2];
        long width = shape[3];
        long kernelWidth = window.kernel()[1];
        long values = window.kernel()[0] * kernelWidth;
        maps = channelsLast(shape);
        rows = shape[0] * output[0] * output[1];
        columns = channels * values;
        boolean padded = false;
        for (long y = 0; y < window.kernel()[0]; y++) {
            for (long x = 0; x < kernelWidth; x++) {
                long[] down = places(output[0], height, window, 0, y);
                long[] across = places(output[1], width, window, 1, x);
                padded |= down[1] - down[0] < output[0] || across[1] - across[0] < output[1];
                if (down[0] >= down[1] || across[0] >= across[1]) {
                    continue;
                }
                long[] part = {shape[0], channels, down[1] - down[0], across[1] - across[0]};
                long row = down[0] * window.stride()[0] - window.before()[0] + y * window.dilation()[0];
                long column = across[0] * window.stride()[1] - window.before()[1] + x * window.dilation()[1];
                Layout from = Layout.strided(part, new long[] {
                    height * width * channels, 1, window.stride()[0] * width * channels, window.stride()[1] * channels
                });
                Layout to = Layout.strided(
                        part, new long[] {output[0] * output[1] * columns, values, output[1] * columns, columns});
                taps.add(new Tap(
                        (row * width + column) * channels,
                        from,
                        (down[0] * output[1] + across[0]) * columns + y * kernelWidth + x,
                        to));
            }
        }
        isPadded = padded;
    }

    static Layout channelsLast(long[] shape) {
        return Layout.strided(shape, new long[] {shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]});
    }

    /** The first place of the output, and the one after the last, for which a value of the kernel lies in the map. */
    private static long[] places(long output, long size, Window window, int dimension, long value) {
        long shift = value * window.dilation()[dimension] - window.before()[dimension];
        long stride = window.stride()[dimension];
        long first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
        long last = size - 1 - shift < 0 ? -1 : (size - 1 - shift) / stride;
        return new long[] {first, Math.min(output, last + 1)};
    }

    Layout maps() {
        return maps;
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
            reorders.add(at(from, tap.toOffset()), tap.to(), at(to, tap.fromOffset()), tap.from(), space);
        }
    }

    private static INDArray at(INDArray floats, long offset) {
        return offset == 0 ? floats : floats.get(NDArrayIndex.interval(offset, floats.length()));
    }
}
