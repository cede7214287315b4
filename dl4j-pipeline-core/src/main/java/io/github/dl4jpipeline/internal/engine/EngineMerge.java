package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Maps with channels first, one behind the other along the channels. Blocks of channels stay as they are where every input but the
 * last fills its blocks; otherwise the result is in row-major order.
 */
final class EngineMerge extends EngineLayer {
    private Layout[] parts = {};
    private @Nullable Layout whole;

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        if (!areMaps(inputs)) {
            return null;
        }
        long[] shape = inputs[0].shape().clone();
        int block = block(inputs);
        shape[1] = 0;
        parts = new Layout[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            long[] own = inputs[i].shape();
            shape[1] += own[1];
            parts[i] = Layout.ofBlocks(block, own);
        }
        whole = Layout.ofBlocks(block, shape);
        INDArray result = space.activation(whole.floats());
        long from = 0;
        for (int i = 0; i < inputs.length; i++) {
            INDArray part = reorders().in(parts[i], inputs[i], space, space::work);
            copy(part, result, i, from, true);
            from += ofExample(parts[i]);
        }
        return new Value(result, whole);
    }

    /** Whether these differ in their channels only, and some are in the engine's hands. */
    private static boolean areMaps(Value[] inputs) {
        boolean taken = false;
        long[] first = inputs[0].shape();
        for (Value input : inputs) {
            long[] shape = input.shape();
            if (shape.length != 4
                    || shape[0] != first[0]
                    || shape[2] != first[2]
                    || shape[3] != first[3]
                    || input.values().dataType() != DataType.FLOAT) {
                return false;
            }
            taken |= !input.isArray();
        }
        return taken;
    }

    private static int block(Value[] inputs) {
        int block = 0;
        for (int i = 0; i < inputs.length; i++) {
            Layout layout = inputs[i].layout();
            int own = layout == null ? 1 : layout.channelBlock();
            boolean fills = own > 1 && (i == inputs.length - 1 || inputs[i].shape()[1] % own == 0);
            if (!fills || (block > 0 && own != block)) {
                return 1;
            }
            block = own;
        }
        return block;
    }

    private static long ofExample(Layout layout) {
        return layout.floats() / layout.shape()[0];
    }

    /** Copies one input, or its error, from or to its place in each example of the whole. */
    private void copy(INDArray part, INDArray all, int number, long place, boolean toWhole) {
        int length = (int) ofExample(parts[number]);
        int step = (int) ofExample(whole);
        FloatBuffer ofPart = HostFloats.of(part);
        FloatBuffer ofWhole = HostFloats.of(all);
        try {
            for (int example = 0; example < whole.shape()[0]; example++) {
                int inWhole = (int) place + example * step;
                if (toWhole) {
                    ofWhole.put(inWhole, ofPart, example * length, length);
                } else {
                    ofPart.put(example * length, ofWhole, inWhole, length);
                }
            }
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(part);
            Reference.reachabilityFence(all);
        }
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        if (whole == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray all = error(error, whole, space);
        Value[] errors = new Value[parts.length];
        long from = 0;
        for (int i = 0; i < parts.length; i++) {
            if (wanted[i]) {
                INDArray part = space.error(parts[i].floats());
                copy(part, all, i, from, false);
                errors[i] = new Value(part, parts[i]);
            }
            from += ofExample(parts[i]);
        }
        return errors;
    }

    @Override
    public void clear() {
        parts = new Layout[0];
        whole = null;
    }
}
