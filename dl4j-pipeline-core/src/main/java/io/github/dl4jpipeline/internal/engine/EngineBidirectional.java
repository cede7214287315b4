package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional.Mode;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Two recurrent layers that read the same sequences, one of them from the last step to the first. */
final class EngineBidirectional extends EngineLayer {
    private final EngineRecurrent<?> forward;
    private final EngineRecurrent<?> backward;
    private final Mode mode;
    private final RNNFormat format;

    private @Nullable Sequence sequence;
    private @Nullable INDArray ofForward;
    private @Nullable INDArray ofBackward;

    /** @param backward goes from the last step to the first */
    EngineBidirectional(EngineRecurrent<?> forward, EngineRecurrent<?> backward, Mode mode, RNNFormat format) {
        this.forward = forward;
        this.backward = backward;
        this.mode = mode;
        this.format = format;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value[] same = inSteps(inputs, space);
        Value first = same == null ? null : forward.forward(same, training, space);
        return join(first, first == null ? null : backward.forward(same, training, space), space);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, INDArray mask, boolean training, Space space) {
        Value[] same = inSteps(inputs, space);
        Value first = same == null ? null : forward.forward(same, mask, training, space);
        return join(first, first == null ? null : backward.forward(same, mask, training, space), space);
    }

    /** The input in the layout that both read; as it is if that is not known. */
    private Value @Nullable [] inSteps(Value[] inputs, Space space) {
        Sequence read = Sequence.of(inputs[0].shape(), format);
        boolean isFloat = inputs[0].values().dataType() == DataType.FLOAT;
        if (read == null || !isFloat || !forward.weights().areFinite(inputs[0])) {
            return null;
        }
        return new Value[] {new Value(activation(inputs[0], read.layout(), space), read.layout())};
    }

    private @Nullable Value join(@Nullable Value first, @Nullable Value second, Space space) {
        if (first == null || second == null) {
            return null;
        }
        Sequence one = Sequence.of(first.shape(), format);
        INDArray a = first.values();
        INDArray b = second.values();
        sequence = one;
        ofForward = mode == Mode.MUL ? a : null;
        ofBackward = mode == Mode.MUL ? b : null;
        Sequence both = mode == Mode.CONCAT ? one.ofSize(2 * one.size()) : one;
        INDArray output = space.activation(both.floats());
        switch (mode) {
            case ADD -> a.addi(b, output);
            case AVERAGE -> a.addi(b, output).muli(0.5);
            case MUL -> a.muli(b, output);
            case CONCAT -> {
                Layout half = half(one);
                reorders().write(a, 0, rows(one), output, 0, half, space);
                reorders().write(b, 0, rows(one), output, one.size(), half, space);
            }
        }
        return new Value(output, both.layout());
    }

    private static Layout rows(Sequence one) {
        return Layout.rowMajor(one.rows(), one.size());
    }

    /** One of two parts of each row. */
    private static Layout half(Sequence one) {
        return Layout.strided(new long[] {one.rows(), one.size()}, new long[] {2 * one.size(), 1});
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Sequence one = sequence;
        if (one == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        Sequence both = mode == Mode.CONCAT ? one.ofSize(2 * one.size()) : one;
        INDArray ofBoth = error(error, both.layout(), space);
        INDArray all = ofBoth.reshape(both.floats());
        INDArray first = space.work(one.floats());
        INDArray second = space.work(one.floats());
        switch (mode) {
            case ADD -> {
                first.assign(all);
                second.assign(all);
            }
            case AVERAGE -> {
                all.muli(0.5, first);
                second.assign(first);
            }
            case MUL -> {
                all.muli(ofBackward, first);
                all.muli(ofForward, second);
            }
            case CONCAT -> {
                Layout half = half(one);
                reorders().write(ofBoth, 0, half, first, 0, rows(one), space);
                reorders().write(ofBoth, one.size(), half, second, 0, rows(one), space);
            }
        }
        @Nullable Value[] ofInput = forward.backward(new Value(first, one.layout()), wanted, postponed, space);
        @Nullable Value[] other = backward.backward(new Value(second, one.layout()), wanted, postponed, space);
        if (ofInput[0] != null) {
            ofInput[0].values().addi(other[0].values());
        }
        return ofInput;
    }

    @Override
    public boolean hasGradient() {
        return true;
    }

    @Override
    public Map<String, INDArray> views(Layer layer, INDArray gradients) {
        Map<String, INDArray> views = new LinkedHashMap<>(forward.weights().views(gradients, 0));
        views.putAll(backward.weights().views(gradients, forward.weights().length()));
        return views;
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        Gradient all = new DefaultGradient();
        forward.gradient(views, add, space).gradientForVariable().forEach(all::setGradientFor);
        backward.gradient(views, add, space).gradientForVariable().forEach(all::setGradientFor);
        return all;
    }

    @Override
    public void clear() {
        forward.clear();
        backward.clear();
        sequence = null;
        ofForward = null;
        ofBackward = null;
    }

    @Override
    public void close() {
        super.close();
        forward.close();
        backward.close();
    }
}
