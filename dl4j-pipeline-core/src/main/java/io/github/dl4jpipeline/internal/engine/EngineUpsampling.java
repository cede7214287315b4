package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Window;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Repeats each value of maps with channels first in a rectangle. That is the backward pass of the mean over such rectangles, but for a
 * factor; and so is the forward pass of one the backward pass of the other.
 */
final class EngineUpsampling extends EngineLayer {
    private final int[] size;
    private final ByLayout<Passes> byLayout = new ByLayout<>();

    private @Nullable Passes passes;

    /** The operations for one layout of input. */
    private record Passes(Layout input, Layout output, Primitive forward, Primitive backward) implements AutoCloseable {
        @Override
        public void close() {
            forward.close();
            backward.close();
        }
    }

    /** @param size height and width of the rectangles */
    EngineUpsampling(int[] size) {
        this.size = size.clone();
    }

    /** For arrays there is no gain. */
    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Layout layout = inputs[0].layout();
        Passes made = layout == null || layout.channelBlock() == 0 || layout.shape().length != 4
                ? null
                : byLayout.get(layout, this::make);
        if (made == null) {
            return null;
        }
        passes = made;
        INDArray values = inputs[0].values();
        INDArray scaled = space.work(made.input().floats()).assign(values.reshape(values.length()));
        INDArray output = space.activation(made.output().floats());
        made.forward().with(Slot.OUTPUT_ERROR, scaled.muli(size[0] * size[1])).with(Slot.INPUT_ERROR, output);
        run(made.forward(), space);
        return new Value(output, made.output());
    }

    private @Nullable Passes make(Layout small) {
        long[] shape = small.shape();
        Layout large =
                Layout.ofBlocks(small.channelBlock(), shape[0], shape[1], shape[2] * size[0], shape[3] * size[1]);
        long[] rectangle = {size[0], size[1]};
        long[] one = {1, 1};
        long[] none = {0, 0};
        Window window = new Window(rectangle, rectangle, one, none, none);
        Pooling mean = Pooling.reading(large, Pooling.Kind.AVERAGE_WITH_PADDING, window, shape);
        return mean == null || !mean.output().equals(small)
                ? null
                : new Passes(small, large, /* forward= */ mean.backward(), /* backward= */ mean.forward());
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Passes made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray ofInput = space.error(made.input().floats());
        made.backward().with(Slot.INPUT, error(error, made.output(), space)).with(Slot.OUTPUT, ofInput);
        run(made.backward(), space);
        return new Value[] {new Value(ofInput.muli(size[0] * size[1]), made.input())};
    }

    @Override
    public void clear() {
        passes = null;
    }

    @Override
    public void close() {
        super.close();
        byLayout.close();
    }
}
