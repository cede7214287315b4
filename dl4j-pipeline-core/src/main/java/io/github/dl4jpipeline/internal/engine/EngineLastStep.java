package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The last step of what a recurrent layer puts out, which is the last that the mask has. */
@SuppressWarnings("ReachabilityFenceUsage") // where a loop fails, it reads no more
final class EngineLastStep extends EngineAround {
    private final RNNFormat format;

    private @Nullable Sequence sequence;

    /** By example. */
    private int[] steps = {};

    EngineLastStep(EngineLayer inside, RNNFormat format) {
        super(inside);
        this.format = format;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        return last(inside().forward(inputs, training, space), null, space);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, INDArray mask, boolean training, Space space) {
        return last(inside().forward(inputs, mask, training, space), mask, space);
    }

    private @Nullable Value last(@Nullable Value all, @Nullable INDArray given, Space space) {
        if (all == null) {
            return null;
        }
        Sequence from = Sequence.of(all.shape(), format);
        StepMask mask = given == null ? StepMask.NONE : StepMask.of(given, from);
        int[] last = new int[(int) from.examples()];
        for (int example = 0; example < last.length; example++) {
            last[example] = mask.isNone() ? (int) from.steps() - 1 : mask.last(example);
            if (last[example] < 0) {
                return null; // Deeplearning4j refuses it
            }
        }
        sequence = from;
        steps = last;
        INDArray rows = space.activation(from.step());
        copy(all.values(), rows, true);
        return new Value(rows, Layout.rowMajor(from.examples(), from.size()));
    }

    /** Copies between sequences and the rows of their last steps. */
    private void copy(INDArray ofSequence, INDArray ofRows, boolean toRows) {
        int size = (int) sequence.size();
        FloatBuffer all = HostFloats.of(ofSequence);
        FloatBuffer rows = HostFloats.of(ofRows);
        for (int example = 0; example < steps.length; example++) {
            int at = (steps[example] * steps.length + example) * size;
            if (toRows) {
                rows.put(example * size, all, at, size);
            } else {
                all.put(at, rows, example * size, size);
            }
        }
        Reference.reachabilityFence(ofSequence);
        Reference.reachabilityFence(ofRows);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Sequence from = sequence;
        if (from == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray rows = error(error, Layout.rowMajor(from.examples(), from.size()), space);
        INDArray all = space.work(from.floats()).assign(0);
        copy(all, rows, false);
        return inside().backward(new Value(all, from.layout()), wanted, postponed, space);
    }

    @Override
    public void clear() {
        super.clear();
        sequence = null;
        steps = new int[0];
    }
}
