package io.github.dl4jpipeline.internal.onednn;

import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.INPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.OUTPUTS;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.PLACES;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradient of the weights of a convolution of 3x3 places with stride 1, by Winograd's algorithm: for each of the 36 places one
 * product of transformed inputs and transformed errors, over all tiles. {@link WinogradSum} leads back to the weights' 9
 * places.
 */
public final class WinogradGradient implements AutoCloseable {
    private final long inputs;
    private final long outputs;
    private final WinogradGroups groups;
    private final WinogradTiles ofInput;
    private final WinogradTiles ofError;
    private final Primitive multiply;
    private final Primitive multiplyAdding;
    private final Primitive sumErrors;
    private final Primitive sumErrorsAdding;
    private final INDArray ofInputs = WinogradMatrices.ofInputs();
    private final INDArray ofErrors = WinogradMatrices.ofErrors();
    private final INDArray ones;
    private final boolean bias;
    private final List<Primitive> all;
    private final long scratchFloats;

    /**
     * @param input what the convolution reads: examples, channels, height, width
     * @param output what it writes, likewise
     * @param before rows and columns of zeros before the input's
     * @param bias whether there is one
     */
    public WinogradGradient(Layout input, Layout output, long[] before, boolean bias) {
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
        ones = WinogradMatrices.ones(values);
        all = all();
        scratchFloats = Work.scratchFloats(all);
    }

    /** Working memory, in floats. */
    public long workFloats() {
        return scratch() + scratchFloats;
    }

    private long scratch() {
        return ofError() + ofError.floats();
    }

    private long ofError() {
        return ofInput.floats() + Math.max(ofInput.squareFloats(), ofError.squareFloats());
    }

    /**
     * Computes the gradient in transformed form.
     *
     * @param sum where it goes, as {@link WinogradSum} has it
     * @param adding whether it is added to what is there
     * @param floats working memory
     */
    public void sum(INDArray input, INDArray error, INDArray sum, boolean adding, INDArray floats) {
        Work work = new Work(floats, scratch());
        long squares = ofInput.floats(); // of either; behind transformed inputs
        for (int group = 0; group < groups.count(); group++) {
            boolean further = adding || group > 0;
            ofInput.gather(input, groups.firstOfInput(group), work, 0, squares);
            ofInput.transform(ofInputs, work, squares, 0);
            ofError.gather(error, groups.firstOfOutput(group), work, ofError(), squares);
            if (bias) {
                work.run((further ? sumErrorsAdding : sumErrors)
                        .with(Slot.INPUT, ones)
                        .with(Slot.WEIGHTS, floats, squares)
                        .with(Slot.OUTPUT, sum, WinogradSum.bias(inputs, outputs)));
            }
            ofError.transform(ofErrors, work, squares, ofError());
            work.run((further ? multiplyAdding : multiply)
                    .with(Slot.INPUT, floats)
                    .with(Slot.WEIGHTS, floats, ofError())
                    .with(Slot.OUTPUT, sum));
        }
    }

    private List<Primitive> all() {
        List<Primitive> all = new ArrayList<>(ofInput.all());
        all.addAll(ofError.all());
        all.addAll(List.of(multiply, multiplyAdding, sumErrors, sumErrorsAdding));
        return all;
    }

    @Override
    public void close() {
        all.forEach(Primitive::close);
        List.of(ofInputs, ofErrors, ones).forEach(INDArray::close);
    }
}
