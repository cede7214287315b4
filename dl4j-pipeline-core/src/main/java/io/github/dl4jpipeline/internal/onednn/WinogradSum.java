package io.github.dl4jpipeline.internal.onednn;

import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.PLACES;
import static io.github.dl4jpipeline.internal.onednn.WinogradMatrices.TAPS;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The gradient of a convolution's weights as {@link WinogradGradient} sums it: for each of the 36 places a matrix of inputs by outputs,
 * and behind them the bias' gradient.
 */
public final class WinogradSum implements AutoCloseable {
    private static final long TAPS_OF_KERNEL = (long) TAPS * TAPS;

    private final long inputs;
    private final long outputs;
    private final Primitive transformBack;
    private final Primitive write;
    private final Primitive add;
    private final Primitive writeBias;
    private final INDArray back = WinogradMatrices.toWeights();

    /** @param weights how the gradient is held: {@code [output channels, input channels, 3, 3]} */
    public WinogradSum(Layout weights) {
        outputs = weights.shape()[0];
        inputs = weights.shape()[1];
        transformBack = Product.of(Layout.rowMajor(TAPS_OF_KERNEL, PLACES), Layout.rowMajor(PLACES, inputs * outputs));
        Layout ordered =
                Layout.strided(weights.shape(), new long[] {1, outputs, TAPS * inputs * outputs, inputs * outputs});
        write = Reorder.of(ordered, weights);
        add = Reorder.adding(ordered, weights);
        writeBias = Reorder.of(Layout.rowMajor(outputs), Layout.rowMajor(outputs));
    }

    /** How many it has. */
    public long floats() {
        return bias(inputs, outputs) + outputs;
    }

    /** Where the bias' gradient begins. */
    static long bias(long inputs, long outputs) {
        return PLACES * inputs * outputs;
    }

    /** Working memory of {@link #write}, in floats. */
    public long workFloats() {
        return TAPS_OF_KERNEL * inputs * outputs + Work.scratchFloats(all());
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
        Work work = new Work(floats, TAPS_OF_KERNEL * inputs * outputs);
        work.run(transformBack.with(Slot.INPUT, back).with(Slot.WEIGHTS, sum).with(Slot.OUTPUT, floats));
        work.run((adding ? add : write).with(Slot.INPUT, floats).with(Slot.OUTPUT, into));
        if (ofBias != null) {
            work.run(writeBias.with(Slot.INPUT, sum, bias(inputs, outputs)).with(Slot.OUTPUT, ofBias));
        }
    }

    private List<Primitive> all() {
        return List.of(transformBack, write, add, writeBias);
    }

    @Override
    public void close() {
        all().forEach(Primitive::close);
        back.close();
    }
}
