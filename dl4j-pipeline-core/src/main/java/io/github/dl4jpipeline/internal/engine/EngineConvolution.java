package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A 2D convolution of maps with channels first. */
final class EngineConvolution extends WeightedLayer<EngineConvolution.Passes> {
    private final String vertex;
    private final ConvolutionLayer layer;
    private final PackedWeights packed;
    private final boolean inputErrors;
    private final boolean exact;
    private final Windows windows;
    private final long[] weightShape;
    private final Layout plainWeights;

    /**
     * @param inputErrors whether errors of its input are wanted
     * @param exact whether it must not round as Winograd's algorithm does
     */
    EngineConvolution(
            String vertex,
            ConvolutionLayer layer,
            Activation function,
            PackedWeights packed,
            boolean inputErrors,
            boolean exact) {
        super(function, false);
        this.vertex = vertex;
        this.layer = layer;
        this.packed = packed;
        this.inputErrors = inputErrors;
        this.exact = exact;
        org.deeplearning4j.nn.conf.layers.ConvolutionLayer conf = (org.deeplearning4j.nn.conf.layers.ConvolutionLayer)
                layer.conf().getLayer();
        windows = new Windows(
                conf.getKernelSize(),
                conf.getStride(),
                conf.getPadding(),
                conf.getDilation(),
                conf.getConvolutionMode());
        weightShape = weights().shape();
        plainWeights = Layout.rowMajor(weightShape);
    }

    /** The operations for one layout of input. */
    static final class Passes extends WeightedLayer.Passes {
        private final Convolution operations;
        private final Layout forwardWeights;
        private @Nullable Layout backwardWeights;
        private @Nullable Layout gradientWeights;

        Passes(Convolution operations, Activation function) {
            super(operations.input(), operations.output(), function, operations.forward());
            this.operations = operations;
            forwardWeights = operations.forwardWeights();
        }

        Layout backwardWeights() {
            if (backwardWeights == null) {
                backwardWeights = operations.backwardWeights();
            }
            return backwardWeights;
        }

        Layout gradientWeights() {
            if (gradientWeights == null) {
                gradientWeights = operations.gradientWeights();
            }
            return gradientWeights;
        }

        @Override
        Primitive makeBackward() {
            return operations.backward();
        }

        @Override
        Primitive makeGradient() {
            return operations.gradient();
        }
    }

    private INDArray weights() {
        return layer.getParam(ConvolutionParamInitializer.WEIGHT_KEY);
    }

    @Override
    @Nullable INDArray bias() {
        return layer.hasBias() ? layer.getParam(ConvolutionParamInitializer.BIAS_KEY) : null;
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        if (shape.length != 4 || shape[1] != weightShape[1] || value.values().dataType() != DataType.FLOAT) {
            return null;
        }
        return value.layout() == null ? Layout.rowMajor(shape) : value.layout();
    }

    @Override
    @Nullable Passes make(Layout input) {
        long[] shape = input.shape();
        long[] size = windows.outputSize(shape[2], shape[3]);
        if (size == null) {
            return null;
        }
        Convolution operations = Convolution.reading(
                input,
                new Convolution.Shape(
                        shape,
                        new long[] {shape[0], weightShape[0], size[0], size[1]},
                        weightShape,
                        windows.window(size, shape[2], shape[3]),
                        layer.hasBias(),
                        inputErrors,
                        exact),
                function());
        return operations == null ? null : new Passes(operations, function());
    }

    @Override
    INDArray forwardWeights(Passes passes, Space space) {
        return packed(passes.forwardWeights, space);
    }

    @Override
    INDArray backwardWeights(Passes passes, Space space) {
        return packed(passes.backwardWeights(), space);
    }

    private INDArray packed(Layout layout, Space space) {
        return layout.equals(plainWeights)
                ? weights()
                : packed.get(
                        vertex, layout, floats -> reorders().write(weights(), plainWeights, floats, layout, space));
    }

    @Override
    boolean isFinite(Value value, Passes made, Space space) {
        if (value.isArray()) {
            packed.inspect(value.values());
        }
        INDArray bias = bias();
        packed.inspect(vertex, bias == null ? new INDArray[] {weights()} : new INDArray[] {weights(), bias});
        return !packed.isSuspect();
    }

    @Override
    void writeGradient(Passes made, Primitive gradient, INDArray view, boolean add, Space space) {
        Layout layout = made.gradientWeights();
        boolean direct = !add && layout.equals(plainWeights);
        INDArray floats = direct ? view : space.work(layout.floats());
        run(gradient.with(Slot.WEIGHT_GRADIENT, floats), space);
        if (add) {
            reorders().add(floats, layout, view, plainWeights, space);
        } else if (!direct) {
            reorders().write(floats, layout, view, plainWeights, space);
        }
    }

    @Override
    Character orderOfWeights() {
        return 'c';
    }
}
