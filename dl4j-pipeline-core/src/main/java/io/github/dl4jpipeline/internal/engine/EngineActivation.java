package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ReluGradient;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A function of each element, in any layout. */
final class EngineActivation extends EngineLayer {
    private final Activation function;
    private final ByLayout<Passes> byLayout = new ByLayout<>();

    private @Nullable Passes passes;
    private @Nullable INDArray output;

    private record Passes(Layout layout, Primitive forward, Primitive backward) implements AutoCloseable {
        @Override
        public void close() {
            forward.close();
            backward.close();
        }
    }

    EngineActivation(Activation function) {
        this.function = function;
    }

    /** Only maps come in a layout of their own; for arrays there is no gain. */
    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Layout layout = inputs[0].layout();
        if (layout == null) {
            return null;
        }
        Passes made = byLayout.get(layout, all -> new Passes(all, function.forward(all), function.backward(all)));
        passes = made;
        output = space.activation(layout.floats());
        if (Rectifier.is(function)) {
            Rectifier.run(inputs[0].values().reshape(output.shape()), output);
        } else {
            run(made.forward().with(Slot.INPUT, inputs[0].values()).with(Slot.OUTPUT, output), space);
        }
        return new Value(output, layout);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Passes made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray floats = error(error, made.layout(), space);
        if (Rectifier.is(function)) {
            ReluGradient.apply(output, floats);
        } else {
            made.backward().with(Slot.OUTPUT, output).with(Slot.OUTPUT_ERROR, floats);
            run(made.backward().with(Slot.INPUT_ERROR, floats), space);
        }
        return new Value[] {new Value(floats, made.layout())};
    }

    @Override
    public void clear() {
        passes = null;
        output = null;
    }

    @Override
    public void close() {
        super.close();
        byLayout.close();
    }
}
