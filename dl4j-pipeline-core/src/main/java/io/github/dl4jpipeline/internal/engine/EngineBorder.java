package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Puts zeros around maps with channels first, or takes their border away. */
final class EngineBorder extends EngineLayer {
    private final int[] border;
    private final boolean adds;

    private @Nullable Layout inner;
    private @Nullable Layout outer;

    /**
     * @param border places above, below, to the left and to the right
     * @param adds false to take them away
     */
    EngineBorder(int[] border, boolean adds) {
        this.border = border.clone();
        this.adds = adds;
    }

    /** For arrays there is no gain. */
    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Layout layout = inputs[0].layout();
        if (layout == null || layout.channelBlock() == 0 || layout.shape().length != 4) {
            return null;
        }
        long sign = adds ? 1 : -1;
        long[] shape = layout.shape();
        shape[2] += sign * (border[0] + border[1]);
        shape[3] += sign * (border[2] + border[3]);
        if (shape[2] < 1 || shape[3] < 1) {
            return null;
        }
        Layout output = Layout.ofBlocks(layout.channelBlock(), shape);
        inner = adds ? layout : output;
        outer = adds ? output : layout;
        INDArray written = space.activation(output.floats());
        write(inputs[0].values(), written, adds, space);
        return new Value(written, output);
    }

    private void write(INDArray from, INDArray to, boolean toOuter, Space space) {
        Layout small = inner;
        Layout part = outer.part(small.shape(), new long[] {0, 0, border[0], border[2]});
        if (toOuter) {
            reorders().write(from, small, to.assign(0), part, space);
        } else {
            reorders().write(from, part, to, small, space);
        }
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Layout input = adds ? inner : outer;
        Layout output = adds ? outer : inner;
        if (input == null || output == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray ofInput = space.error(input.floats());
        write(error(error, output, space), ofInput, !adds, space);
        return new Value[] {new Value(ofInput, input)};
    }

    @Override
    public void clear() {
        inner = null;
        outer = null;
    }
}
