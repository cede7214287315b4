package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sum of several activations of the same shape, in the layout of the first. */
final class EngineSum extends EngineLayer {
    private @Nullable Layout layout;
    private int inputs;

    @Override
    public @Nullable Value forward(Value[] values, Space space) {
        Layout first = values[0].layout();
        if (first == null || !Arrays.stream(values).allMatch(value -> Arrays.equals(value.shape(), first.shape()))) {
            return null;
        }
        layout = first;
        inputs = values.length;
        INDArray sum = space.activation(first.floats());
        INDArray before = values[0].values();
        for (int i = 1; i < values.length; i++) {
            INDArray next = reorders().in(first, values[i], space, space::work);
            before.reshape(sum.length()).addi(next.reshape(sum.length()), sum);
            before = sum;
        }
        return new Value(sum, first);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        if (layout == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray floats = error(error, layout, space);
        Value[] errors = new Value[inputs];
        boolean given = false;
        for (int i = 0; i < inputs; i++) {
            if (wanted[i]) { // who gets one may overwrite it
                INDArray own = given ? space.error(layout.floats()).assign(floats.reshape(floats.length())) : floats;
                errors[i] = new Value(own, layout);
                given = true;
            }
        }
        return errors;
    }

    @Override
    public void clear() {
        layout = null;
    }
}
