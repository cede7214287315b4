package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sum, mean, difference or product of activations of the same shape, element by element, in the layout of the first. */
final class EngineElementWise extends EngineLayer {
    private final ElementWiseVertex.Op op;

    private @Nullable Layout layout;
    private INDArray[] inputs = {};

    private EngineElementWise(ElementWiseVertex.Op op) {
        this.op = op;
    }

    /** Null if it is none of these. */
    static @Nullable EngineElementWise of(ElementWiseVertex.Op op, int inputs) {
        return switch (op) {
            case Add, Average, Product -> new EngineElementWise(op);
            case Subtract -> inputs == 2 ? new EngineElementWise(op) : null;
            default -> null;
        };
    }

    @Override
    public @Nullable Value forward(Value[] values, boolean training, Space space) {
        Layout first = values[0].layout();
        if (first == null || !Arrays.stream(values).allMatch(value -> Arrays.equals(value.shape(), first.shape()))) {
            return null;
        }
        layout = first;
        inputs = new INDArray[values.length];
        for (int i = 0; i < values.length; i++) {
            INDArray floats = op == ElementWiseVertex.Op.Product
                    ? activation(values[i], first, space)
                    : reorders().in(first, values[i], space, space::work);
            inputs[i] = floats.reshape(floats.length());
        }
        INDArray result = space.activation(first.floats());
        combine(result);
        if (op != ElementWiseVertex.Op.Product) {
            Arrays.fill(inputs, null); // only their number is needed later
        }
        return new Value(result, first);
    }

    private void combine(INDArray result) {
        INDArray before = inputs[0];
        for (int i = 1; i < inputs.length; i++) {
            switch (op) {
                case Subtract -> before.subi(inputs[i], result);
                case Product -> before.muli(inputs[i], result);
                default -> before.addi(inputs[i], result);
            }
            before = result;
        }
        if (inputs.length == 1) {
            result.assign(before);
        }
        if (op == ElementWiseVertex.Op.Average) {
            result.divi(inputs.length);
        }
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        if (layout == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray floats = error(error, layout, space);
        floats = floats.reshape(floats.length());
        Value[] errors = new Value[inputs.length];
        int last = inputs.length - 1;
        while (last >= 0 && !wanted[last]) {
            last--;
        }
        for (int i = 0; i <= last; i++) {
            if (wanted[i]) { // who gets one may overwrite it
                INDArray own = i == last ? floats : space.error(layout.floats()).assign(floats);
                errors[i] = new Value(ofInput(i, own), layout);
            }
        }
        return errors;
    }

    private INDArray ofInput(int input, INDArray error) {
        return switch (op) {
            case Subtract -> input == 0 ? error : error.negi();
            case Average -> error.divi(inputs.length);
            case Product -> {
                for (int i = 0; i < inputs.length; i++) {
                    if (i != input) {
                        error.muli(inputs[i]);
                    }
                }
                yield error;
            }
            default -> error;
        };
    }

    @Override
    public void clear() {
        layout = null;
        inputs = new INDArray[0];
    }
}
