package io.github.dl4jpipeline.internal.onednn;

import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.INPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.OUTPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.PLACES;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.TAPS;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution of 3x3 places with stride 1 by Winograd's algorithm, in a quarter of the multiplications, on any processor: products of
 * matrices and copies. The errors of such a convolution's inputs are a convolution of its outputs' errors, with mirrored weights.
 *
 * <p>Tiles of 6x6 inputs, which overlap, are copied side by side and transformed. For each of the 36 places there is one product with
 * the transformed weights. Then tiles of 4x4 outputs follow. Channels lie fastest in between. A group of examples goes through all of it
 * before the next one, so that what is in between stays in the caches.
 */
public final class Winograd implements AutoCloseable {
    private static final long OUTPUTS_OF_TILE = (long) OUTPUTS * OUTPUTS;
    private static final long TAPS_OF_KERNEL = (long) TAPS * TAPS;

    // Measured on a core with AVX2, for 16 to 512 channels and maps of 2x2 to 32x32.
    private static final long LEAST_CHANNELS = 64;
    private static final long LEAST_PAIRS = 64 * 128;
    private static final long LEAST_TILES = 32;

    /** Measured on a core with AVX-512. */
    private static final long FEW_TILES = 256;

    private final long inputs;
    private final long outputs;
    private final boolean bias;
    private final WinogradGroups groups;
    private final WinogradTiles tiles;
    private final Primitive multiply;
    private final @Nullable Primitive spreadBias;
    private final Primitive transformOutputs;
    private final Primitive scatter;
    private final Primitive crop;
    private final Primitive orderWeights;
    private final Primitive transformWeights;
    private final INDArray ofInputs = WinogradMatrices.ofInputs();
    private final INDArray ofWeights;
    private final INDArray ofOutputs = WinogradMatrices.ofOutputs();
    private final List<Primitive> all;
    private final long scratchFloats;

    /**
     * @param from what it reads: examples, channels, height, width
     * @param to what it writes, likewise
     * @param before rows and columns of zeros before the input's
     * @param weights how they are held: {@code [output channels, input channels, 3, 3]} of this convolution
     * @param mirrored whether it runs with mirrored weights
     * @param activation applied to the outputs
     */
    public Winograd(
            Layout from,
            Layout to,
            long[] before,
            Layout weights,
            boolean mirrored,
            boolean bias,
            Activation activation) {
        groups = WinogradGroups.of(from, to);
        long[] size = groups.output().shape();
        inputs = from.shape()[1];
        outputs = size[1];
        this.bias = bias;
        tiles = new WinogradTiles(groups.input(), new long[] {size[2], size[3]}, INPUTS, before);
        long squares = tiles.tiles();
        multiply = Product.of(Layout.rowMajor(PLACES, squares, inputs), Layout.rowMajor(PLACES, inputs, outputs));
        spreadBias = bias
                ? Reorder.of(
                        Layout.strided(new long[] {squares, outputs}, new long[] {0, 1}),
                        Layout.rowMajor(squares, outputs))
                : null;
        transformOutputs = Product.of(
                Layout.strided(new long[] {OUTPUTS_OF_TILE, planes()}, new long[] {PLACES + 1, 1}),
                Layout.rowMajor(planes(), squares * outputs),
                activation);
        long down = (size[2] + OUTPUTS - 1) / OUTPUTS;
        long across = (size[3] + OUTPUTS - 1) / OUTPUTS;
        long row = OUTPUTS * across * outputs;
        long image = OUTPUTS * down * row;
        long[] tilesOfOutputs = {OUTPUTS, OUTPUTS, size[0], down, across, outputs};
        scatter = Reorder.of(
                Layout.packed(tilesOfOutputs),
                Layout.strided(tilesOfOutputs, new long[] {row, outputs, image, OUTPUTS * row, OUTPUTS * outputs, 1}));
        crop = Reorder.of(Layout.strided(size, new long[] {image, 1, row, outputs}), groups.output());
        orderWeights = Reorder.of(weights, Layout.strided(new long[] {outputs, inputs, TAPS, TAPS}, new long[] {
            1, outputs, TAPS * inputs * outputs, inputs * outputs
        }));
        transformWeights =
                Product.of(Layout.rowMajor(PLACES, TAPS_OF_KERNEL), Layout.rowMajor(TAPS_OF_KERNEL, inputs * outputs));
        ofWeights = WinogradMatrices.ofWeights(mirrored);
        all = all();
        scratchFloats = Work.scratchFloats(all);
    }

    /**
     * Whether it is faster than the usual algorithm for a convolution: with many channels, where transforming the weights pays, since
     * there are many tiles, most of whose outputs count.
     */
    public static boolean fits(Convolution.Shape shape, Convolution other) {
        long[] weights = shape.weightShape();
        Window window = shape.window();
        return !shape.exact()
                && weights.length == 4
                && isAll(window.kernel(), TAPS)
                && isAll(window.stride(), 1)
                && isAll(window.dilation(), 1)
                && isPadding(window.before())
                && isPadding(window.after())
                && Math.min(weights[0], weights[1]) >= LEAST_CHANNELS
                && weights[0] * weights[1] >= LEAST_PAIRS
                && hasManyTiles(shape.outputShape())
                && other.input().channelBlock() != 0
                && other.output().channelBlock() != 0;
    }

    /**
     * Whether outputs and input errors are faster than oneDNN's own code for a convolution that this fits. oneDNN has the algorithm
     * itself for some processors. It transforms the weights for each micro-batch, which takes long beside few tiles.
     */
    public static boolean isFasterThan(Convolution other) {
        return !other.isWinograd() || tiles(other.output().shape()) <= FEW_TILES;
    }

    private static boolean isAll(long[] values, long wanted) {
        return Arrays.stream(values).allMatch(value -> value == wanted);
    }

    private static boolean isPadding(long[] places) {
        return Arrays.stream(places).allMatch(value -> value >= 0 && value < TAPS);
    }

    private static boolean hasManyTiles(long[] output) {
        long tiles = tiles(output);
        return tiles >= LEAST_TILES && tiles * OUTPUTS_OF_TILE <= 2 * output[0] * output[2] * output[3];
    }

    private static long tiles(long[] output) {
        return output[0] * WinogradMatrices.tiles(output[2]) * WinogradMatrices.tiles(output[3]);
    }

    /** With the bias as one more place. */
    private long planes() {
        return bias ? PLACES + 1 : PLACES;
    }

    /** How transformed weights are held. */
    public Layout weights() {
        return Layout.rowMajor(PLACES, inputs, outputs);
    }

    /** Working memory of {@link #run}, in floats. */
    public long workFloats() {
        return first() + second() + scratchFloats;
    }

    /** Of the padded input, the transformed tiles and the tiles of outputs, one after another. */
    private long first() {
        return Math.max(tiles.floats(), OUTPUTS_OF_TILE * tiles.tiles() * outputs);
    }

    /** Of tiles, their products, and the outputs in their places. */
    private long second() {
        return Math.max(tiles.squareFloats(), planes() * tiles.tiles() * outputs);
    }

    /** Working memory of {@link #pack}, in floats. */
    public long packFloats() {
        return TAPS_OF_KERNEL * inputs * outputs + scratchFloats;
    }

    /** Transforms weights. */
    public void pack(INDArray plain, INDArray packed, INDArray floats) {
        Work work = new Work(floats, TAPS_OF_KERNEL * inputs * outputs);
        work.run(orderWeights.with(Slot.INPUT, plain).with(Slot.OUTPUT, floats));
        work.run(transformWeights
                .with(Slot.INPUT, ofWeights)
                .with(Slot.WEIGHTS, floats)
                .with(Slot.OUTPUT, packed));
    }

    /**
     * Computes the outputs.
     *
     * @param weights transformed
     * @param added the bias, if it has one
     * @param floats working memory
     */
    public void run(INDArray input, INDArray weights, @Nullable INDArray added, INDArray output, INDArray floats) {
        long second = first();
        Work work = new Work(floats, second + second());
        for (int group = 0; group < groups.count(); group++) {
            tiles.gather(input, groups.firstOfInput(group), work, 0, second);
            tiles.transform(ofInputs, work, second, 0);
            work.run(multiply.with(Slot.INPUT, floats)
                    .with(Slot.WEIGHTS, weights)
                    .with(Slot.OUTPUT, floats, second));
            if (spreadBias != null && added != null) {
                long last = second + PLACES * tiles.tiles() * outputs;
                work.run(spreadBias.with(Slot.INPUT, added).with(Slot.OUTPUT, floats, last));
            }
            work.run(transformOutputs
                    .with(Slot.INPUT, ofOutputs)
                    .with(Slot.WEIGHTS, floats, second)
                    .with(Slot.OUTPUT, floats));
            work.run(scatter.with(Slot.INPUT, floats).with(Slot.OUTPUT, floats, second));
            work.run(crop.with(Slot.INPUT, floats, second).with(Slot.OUTPUT, output, groups.firstOfOutput(group)));
        }
    }

    private List<Primitive> all() {
        List<Primitive> all = new ArrayList<>(tiles.all());
        all.addAll(List.of(multiply, transformOutputs, scatter, crop, orderWeights, transformWeights));
        if (spreadBias != null) {
            all.add(spreadBias);
        }
        return all;
    }

    @Override
    public void close() {
        all.forEach(Primitive::close);
        List.of(ofInputs, ofWeights, ofOutputs).forEach(INDArray::close);
    }
}
