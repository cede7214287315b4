package io.github.dl4jpipeline.internal.onednn;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Copies squares of maps side by side, and transforms them: from maps to {@code [36, squares, channels]}. Squares of inputs overlap,
 * those of outputs do not. What lies beyond the maps is zero.
 */
final class WinogradTiles {
    private final long examples;
    private final long channels;
    private final long tiles;
    private final long side;
    private final long paddedFloats;
    private final long first;
    private final Primitive pad;
    private final Primitive gather;
    private final Primitive transform;

    /**
     * @param maps examples, channels, height and width
     * @param output the size of the convolution's output: height, width
     * @param side of a square
     * @param before rows and columns of zeros before the maps
     */
    WinogradTiles(Layout maps, long[] output, long side, long[] before) {
        long[] shape = maps.shape();
        this.side = side;
        examples = shape[0];
        channels = shape[1];
        long step = WinogradMatrices.OUTPUTS;
        long down = (output[0] + step - 1) / step;
        long across = (output[1] + step - 1) / step;
        tiles = examples * down * across;
        long row = (step * across + side - step) * channels;
        long image = (step * down + side - step) * row;
        paddedFloats = examples * image;
        first = before[0] * row + before[1] * channels;
        pad = Reorder.of(maps, Layout.strided(shape, new long[] {image, 1, row, channels}));
        long[] squares = {side, side, examples, down, across, channels};
        gather = Reorder.of(
                Layout.overlapping(squares, new long[] {row, channels, image, step * row, step * channels, 1}),
                Layout.packed(squares));
        transform = Product.of(
                Layout.rowMajor(WinogradMatrices.PLACES, side * side), Layout.rowMajor(side * side, tiles * channels));
    }

    long tiles() {
        return tiles;
    }

    long channels() {
        return channels;
    }

    /** Of the padded maps, and of the result. */
    long floats() {
        return Math.max(paddedFloats, WinogradMatrices.PLACES * tiles * channels);
    }

    /** Of the squares, which {@link #gather} leaves. */
    long squareFloats() {
        return side * side * tiles * channels;
    }

    /**
     * Copies squares.
     *
     * @param padded where memory for {@link #floats} begins
     * @param squares where they go
     */
    void gather(INDArray maps, long firstOfMaps, Work work, long padded, long squares) {
        work.zero(padded, paddedFloats);
        work.run(pad.with(Slot.INPUT, maps, firstOfMaps).with(Slot.OUTPUT, work.floats(), padded + first));
        work.run(gather.with(Slot.INPUT, work.floats(), padded).with(Slot.OUTPUT, work.floats(), squares));
    }

    void transform(INDArray matrix, Work work, long squares, long result) {
        work.run(transform
                .with(Slot.INPUT, matrix)
                .with(Slot.WEIGHTS, work.floats(), squares)
                .with(Slot.OUTPUT, work.floats(), result));
    }

    List<Primitive> all() {
        return List.of(pad, gather, transform);
    }
}
