package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a vertex has put out, or an error on its way back: an array of ND4J, or floats in a layout of oneDNN.
 *
 * @param values the array, or a vector of floats
 * @param layout of the floats; null for an array
 * @param rectified whether ReLU has put it out; of an error, whether it is that of ReLU's input already
 */
public record Value(INDArray values, @Nullable Layout layout, boolean rectified) {
    public Value(INDArray values, @Nullable Layout layout) {
        this(values, layout, false);
    }

    public static Value of(INDArray array) {
        return new Value(array, null);
    }

    /** Whether it is an array. */
    public boolean isArray() {
        return layout == null;
    }

    /** Its dimensions, not to be changed. */
    public long[] shape() {
        return layout == null ? values.shape() : layout.shape();
    }

    /** Bytes of its elements. */
    public long bytes() {
        long elements = 1;
        for (long size : shape()) {
            elements *= size;
        }
        return elements * values.dataType().width();
    }

    /** With its dimensions in another order, as {@link INDArray#permute} has it. Floats stay where they are. */
    Value permuted(int... order) {
        return layout == null ? of(values.permute(order)) : new Value(values, layout.permuted(order));
    }

    /** The same in memory of its own. */
    public Value copy(UnaryOperator<INDArray> copier) {
        return new Value(copier.apply(values), layout, rectified);
    }

    /** The same as the sum of an error with others, of which nothing is known. */
    public Value asSum() {
        return rectified ? new Value(values, layout) : this;
    }
}
