package io.github.dl4jpipeline.internal.onednn;

import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.INPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.OUTPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.PLACES;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.TAPS;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradient of the weights of a convolution of 3x3 places with stride 1, by Winograd's algorithm: for each of the 36 places one
 * product of transformed inputs and transformed errors, over all tiles, and then back to the weights' 9 places.
 */
public final class WinogradGradient implements AutoCloseable {
    private static final long TAPS_OF_KERNEL = (long) TAPS * TAPS;

    private final long inputs;
    private final long outputs;
    private final WinogradGroups groups;
    private final WinogradTiles ofInput;
    private final WinogradTiles ofError;
    private final Primitive multiply;
    private final Primitive multiplyAdding;
    private final Primitive sumErrors;
    private final Primitive sumErrorsAdding;
    private final Primitive transformBack;
    private final Primitive write;
    private final Primitive add;
    private final Primitive writeBias;
    private final INDArray ofInputs = WinogradMatrices.ofInputs();
    private final INDArray ofErrors = WinogradMatrices.ofErrors();
    private final INDArray back = WinogradMatrices.toWeights();
    private final INDArray ones;
    private final boolean bias;
    private final List<Primitive> all;
    private final long scratchFloats;

    /**
     * @param input what the convolution reads: examples, channels, height, width
     * @param output what it writes, likewise
     * @param before rows and columns of zeros before the input's
     * @param weights how the gradient is held: {@code [output channels, input channels, 3, 3]}
     * @param bias whether there is one
     */
    public WinogradGradient(Layout input, Layout output, long[] before, Layout weights, boolean bias) {
        this.bias = bias;
        groups = WinogradGroups.of(input, output);
        long[] to = groups.output().shape();
        inputs = input.shape()[1];
        outputs = to[1];
        long[] size = {to[2], to[3]};
        ofInput = new WinogradTiles(groups.input(), size, INPUTS, before);
        ofError = new WinogradTiles(groups.output(), size, OUTPUTS, new long[2]);
        long tiles = ofInput.tiles();
        Layout left = Layout.strided(new long[] {PLACES, inputs, tiles}, new long[] {tiles * inputs, 1, inputs});
        Layout right = Layout.rowMajor(PLACES, tiles, outputs);
        multiply = Product.of(left, right);
        multiplyAdding = Product.adding(left, right);
        long values = OUTPUTS * OUTPUTS * tiles;
        sumErrors = Product.of(Layout.rowMajor(1, values), Layout.rowMajor(values, outputs));
        sumErrorsAdding = Product.adding(Layout.rowMajor(1, values), Layout.rowMajor(values, outputs));
        transformBack = Product.of(Layout.rowMajor(TAPS_OF_KERNEL, PLACES), Layout.rowMajor(PLACES, inputs * outputs));
        Layout ordered = Layout.strided(
                new long[] {outputs, inputs, TAPS, TAPS},
                new long[] {1, outputs, TAPS * inputs * outputs, inputs * outputs});
        write = Reorder.of(ordered, weights);
        add = Reorder.adding(ordered, weights);
        writeBias = Reorder.of(Layout.rowMajor(outputs), Layout.rowMajor(outputs));
        ones = WinogradMatrices.ones(values);
        all = all();
        scratchFloats = Work.scratchFloats(all);
    }

    /** Working memory of each pass, in floats. */
    public long workFloats() {
        return scratch() + scratchFloats;
    }

    private long scratch() {
        return ofError() + ofError.floats();
    }

    /** Of squares of either; behind transformed inputs, or the gradient in another order. */
    private long squares() {
        return Math.max(ofInput.floats(), TAPS_OF_KERNEL * inputs * outputs);
    }

    private long ofError() {
        return squares() + Math.max(ofInput.squareFloats(), ofError.squareFloats());
    }

    /** Of a sum: the weights' gradient in transformed form, and the bias' behind it. */
    public long sumFloats() {
        return PLACES * inputs * outputs + outputs;
    }

    /**
     * Computes the gradient in transformed form.
     *
     * @param sum where it goes
     * @param adding whether it is added to what is there
     * @param floats working memory
     */
    public void sum(INDArray input, INDArray error, INDArray sum, boolean adding, INDArray floats) {
        Work work = new Work(floats, scratch());
        long squares = squares();
        for (int group = 0; group < groups.count(); group++) {
            boolean further = adding || group > 0;
            ofInput.gather(input, groups.firstOfInput(group), work, 0, squares);
            ofInput.transform(ofInputs, work, squares, 0);
            ofError.gather(error, groups.firstOfOutput(group), work, ofError(), squares);
            if (bias) {
                work.run((further ? sumErrorsAdding : sumErrors)
                        .with(Slot.INPUT, ones)
                        .with(Slot.WEIGHTS, floats, squares)
                        .with(Slot.OUTPUT, sum, PLACES * inputs * outputs));
            }
            ofError.transform(ofErrors, work, squares, ofError());
            work.run((further ? multiplyAdding : multiply)
                    .with(Slot.INPUT, floats)
                    .with(Slot.WEIGHTS, floats, ofError())
                    .with(Slot.OUTPUT, sum));
        }
    }

    /**
     * Writes the gradient.
     *
     * @param sum in transformed form
     * @param into the weights' gradient
     * @param adding whether it is added to what is there
     * @param ofBias where the bias' gradient is written; null if there is none
     * @param floats working memory
     */
    public void write(INDArray sum, INDArray into, boolean adding, @Nullable INDArray ofBias, INDArray floats) {
        Work work = new Work(floats, scratch());
        work.run(transformBack.with(Slot.INPUT, back).with(Slot.WEIGHTS, sum).with(Slot.OUTPUT, floats));
        work.run((adding ? add : write).with(Slot.INPUT, floats).with(Slot.OUTPUT, into));
        if (ofBias != null) {
            work.run(writeBias.with(Slot.INPUT, sum, PLACES * inputs * outputs).with(Slot.OUTPUT, ofBias));
        }
    }

    private List<Primitive> all() {
        List<Primitive> all = new ArrayList<>(ofInput.all());
        all.addAll(ofError.all());
        all.addAll(List.of(multiply, multiplyAdding, sumErrors, sumErrorsAdding, transformBack, write, add));
        all.add(writeBias);
        return all;
    }

    @Override
    public void close() {
        all.forEach(Primitive::close);
        List.of(ofInputs, ofErrors, back, ones).forEach(INDArray::close);
    }
}
