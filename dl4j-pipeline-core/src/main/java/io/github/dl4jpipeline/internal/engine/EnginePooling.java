package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ReluGradient;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Window;
import java.util.Objects;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Maxima or means of windows of maps with channels first. The derivative of a ReLU before maxima is that at their places. It is applied
 * to the errors of the maxima, of which there are fewer.
 */
final class EnginePooling extends EngineLayer {
    private final Pooling.Kind kind;
    private final @Nullable Windows windows;
    private final ByLayout<Passes> byLayout = new ByLayout<>();

    private @Nullable Passes passes;
    private @Nullable INDArray workspace;

    /** The maxima of what a ReLU has put out; null for others. */
    private @Nullable INDArray rectified;

    /**
     * The operations for one layout of input.
     *
     * @param ofMaxima what takes the place of the backward pass; null for nothing
     */
    private record Passes(
            Layout input,
            Pooling operations,
            Primitive forward,
            Primitive backward,
            @Nullable MaximaErrors ofMaxima) implements AutoCloseable {
        @Override
        public void close() {
            forward.close();
            backward.close();
        }
    }

    /** @param windows null for one window, the whole map */
    private EnginePooling(Pooling.Kind kind, @Nullable Windows windows) {
        this.kind = kind;
        this.windows = windows;
    }

    static EnginePooling ofWholeMaps(Pooling.Kind kind) {
        return new EnginePooling(kind, null);
    }

    /** Null if oneDNN has no such pooling. */
    static @Nullable EnginePooling of(SubsamplingLayer layer) {
        return of(
                layer,
                new Windows(
                        layer.getKernelSize(),
                        layer.getStride(),
                        layer.getPadding(),
                        layer.getDilation(),
                        layer.getConvolutionMode()));
    }

    /** The same over sequences, seen as maps whose height is 1; null also if Deeplearning4j pads that height. */
    static @Nullable EnginePooling ofSequences(SubsamplingLayer layer) {
        ConvolutionMode mode = layer.getConvolutionMode();
        boolean fits = mode == ConvolutionMode.Same || (mode != ConvolutionMode.Causal && layer.getPadding()[0] == 0);
        return fits
                ? of(
                        layer,
                        Windows.ofSequences(
                                layer.getKernelSize(),
                                layer.getStride(),
                                layer.getPadding(),
                                layer.getDilation(),
                                mode))
                : null;
    }

    private static @Nullable EnginePooling of(SubsamplingLayer layer, Windows windows) {
        if (windows.dilation()[0] > 1 || windows.dilation()[1] > 1) {
            return null;
        }
        return switch (layer.getPoolingType()) {
            case MAX -> new EnginePooling(Pooling.Kind.MAX, windows);
            case AVG ->
                new EnginePooling(
                        layer.isAvgPoolIncludePadInDivisor() ? Pooling.Kind.AVERAGE_WITH_PADDING : Pooling.Kind.AVERAGE,
                        windows);
            default -> null;
        };
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value input = inputs[0];
        if (input.shape().length != 4 || input.values().dataType() != DataType.FLOAT) {
            return null;
        }
        Layout layout = input.layout() == null ? Layout.rowMajor(input.shape()) : input.layout();
        Passes made = byLayout.get(layout, this::make);
        if (made == null) {
            return null;
        }
        passes = made;
        Layout written = made.operations().output();
        INDArray output = space.activation(written.floats());
        rectified = input.rectified() && kind == Pooling.Kind.MAX ? output : null;
        long bytes = made.operations().workspaceBytes();
        if (bytes > 0) {
            workspace = space.activation((bytes + Float.BYTES - 1) / Float.BYTES);
            made.forward().with(Slot.WORKSPACE, workspace);
        }
        made.forward().with(Slot.INPUT, activation(input, made.input(), space)).with(Slot.OUTPUT, output);
        run(made.forward(), space);
        return new Value(output, written);
    }

    private @Nullable Passes make(Layout given) {
        Passes made = reading(given);
        return made == null && !given.isRowMajor() ? reading(Layout.rowMajor(given.shape())) : made;
    }

    private @Nullable Passes reading(Layout input) {
        long[] shape = input.shape();
        Window window;
        long[] size;
        if (windows == null) {
            long[] one = {1, 1};
            long[] none = {0, 0};
            window = new Window(new long[] {shape[2], shape[3]}, one, one, none, none);
            size = one;
        } else {
            size = windows.outputSize(shape[2], shape[3]);
            if (size == null) {
                return null;
            }
            window = windows.window(size, shape[2], shape[3]);
        }
        Pooling operations = Pooling.reading(input, kind, window, new long[] {shape[0], shape[1], size[0], size[1]});
        return operations == null
                ? null
                : new Passes(
                        input,
                        operations,
                        operations.forward(),
                        operations.backward(),
                        MaximaErrors.of(operations, input, window));
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Passes made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray ofInput = space.error(made.input().floats());
        INDArray ofOutput = error(error, made.operations().output(), space);
        if (rectified != null) {
            ReluGradient.apply(rectified, ofOutput);
        }
        if (made.ofMaxima() != null) {
            made.ofMaxima().run(ofOutput, Objects.requireNonNull(workspace), ofInput);
        } else {
            if (workspace != null) {
                made.backward().with(Slot.WORKSPACE, workspace);
            }
            run(made.backward().with(Slot.OUTPUT_ERROR, ofOutput).with(Slot.INPUT_ERROR, ofInput), space);
        }
        return new Value[] {new Value(ofInput, made.input(), rectified != null)};
    }

    @Override
    public void clear() {
        passes = null;
        workspace = null;
        rectified = null;
    }

    @Override
    public void close() {
        super.close();
        byLayout.close();
    }
}
