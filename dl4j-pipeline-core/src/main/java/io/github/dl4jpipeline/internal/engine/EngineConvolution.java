package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.engine.PackedWeights.Parameter;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.SharedGradient;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Winograd;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A 2D convolution of maps with channels first, of all channels or of each on its own. */
class EngineConvolution extends WeightedLayer<EngineConvolution.Passes> {
    private final Kernel kernel;
    private final PackedWeights packed;
    private final boolean inputErrors;
    private final boolean exact;
    private final Windows windows;

    /**
     * Where its weights are.
     *
     * @param parameter which they are
     * @param shape as {@link Convolution.Shape} has them
     * @param plain how the parameter holds them
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Kernel(Parameter parameter, long[] shape, Layout plain) {
        /** Of a usual convolution. */
        static Kernel of(String vertex, String parameter, Layer layer) {
            long[] shape = layer.getParam(parameter).shape();
            return new Kernel(new Parameter(vertex, parameter), shape, Layout.rowMajor(shape));
        }

        /** Of one over sequences: Deeplearning4j reads {@code [outputs, inputs, kernel]} as {@code [kernel, inputs, outputs]}. */
        static Kernel ofSequences(String vertex, String parameter, Layer layer) {
            long[] of = layer.getParam(parameter).shape();
            long[] shape = {of[0], of[1], 1, of[2]};
            long[] strides = {1, of[0], 1, of[0] * of[1]};
            return new Kernel(new Parameter(vertex, parameter), shape, Layout.strided(shape, strides));
        }

        /** Of a depthwise one, from {@code [height, width, inputs, outputs of each]}. */
        static Kernel ofEachChannel(String vertex, String parameter, Layer layer) {
            long[] of = layer.getParam(parameter).shape();
            long[] shape = {of[2], of[3], 1, of[0], of[1]};
            long[] strides = {of[3], 1, of[3], of[1] * of[2] * of[3], of[2] * of[3]};
            return new Kernel(new Parameter(vertex, parameter), shape, Layout.strided(shape, strides));
        }

        /** Of a depthwise one, from {@code [outputs of each, inputs, height, width]}. */
        static Kernel ofEachChannelLast(String vertex, String parameter, Layer layer) {
            long[] of = layer.getParam(parameter).shape();
            long[] shape = {of[1], of[0], 1, of[2], of[3]};
            long map = of[2] * of[3];
            long[] strides = {map, of[1] * map, map, of[3], 1};
            return new Kernel(new Parameter(vertex, parameter), shape, Layout.strided(shape, strides));
        }

        boolean isGrouped() {
            return shape.length == 5;
        }

        long inputs() {
            return isGrouped() ? shape[0] * shape[2] : shape[1];
        }

        long outputs() {
            return isGrouped() ? shape[0] * shape[1] : shape[0];
        }
    }

    /**
     * @param bias whether it adds one
     * @param inputErrors whether errors of its input are wanted
     * @param exact whether it must not round as Winograd's algorithm does
     */
    EngineConvolution(
            Kernel kernel,
            Windows windows,
            Layer layer,
            boolean bias,
            Activation function,
            PackedWeights packed,
            boolean inputErrors,
            boolean exact) {
        super(layer, kernel.parameter().name(), bias, function, false);
        this.kernel = kernel;
        this.windows = windows;
        this.packed = packed;
        this.inputErrors = inputErrors;
        this.exact = exact;
    }

    /** The operations for one layout of input. */
    static class Passes extends WeightedLayer.Passes {
        private final Convolution operations;
        private final Layout forwardWeights;
        private final @Nullable WinogradPasses winograd;
        private final boolean ownOutputs;
        private @Nullable Boolean sharesGradient;
        private @Nullable Layout backwardWeights;
        private @Nullable Layout gradientWeights;

        Passes(Convolution operations, Activation function, @Nullable WinogradPasses winograd) {
            super(operations.input(), operations.output(), function, operations.forward());
            this.operations = operations;
            this.winograd = winograd;
            ownOutputs = winograd != null && Winograd.isFasterThan(operations);
            forwardWeights = operations.forwardWeights();
        }

        /** Of the transposed convolution. */
        Passes(Convolution operations, Activation function) {
            super(/* input= */ operations.output(), /* output= */ operations.input(), function, operations.backward());
            this.operations = operations;
            winograd = null;
            ownOutputs = false;
            forwardWeights = operations.backwardWeights();
            backwardWeights = operations.forwardWeights();
        }

        final Convolution operations() {
            return operations;
        }

        Layout backwardWeights() {
            if (backwardWeights == null) {
                backwardWeights = operations.backwardWeights();
            }
            return backwardWeights;
        }

        /** Whether outputs and input errors come from our Winograd algorithm. */
        final boolean hasOwnOutputs() {
            return ownOutputs;
        }

        /** Whether the gradient of the weights does. */
        final boolean hasOwnGradient() {
            return winograd != null && !sharesGradient();
        }

        private boolean sharesGradient() {
            if (sharesGradient == null) {
                sharesGradient = operations.hasWinogradGradient();
            }
            return sharesGradient;
        }

        @Override
        @Nullable SharedGradient shared() {
            return sharesGradient() ? operations : null;
        }

        @Override
        final Layout gradientWeights() {
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

        @Override
        public void close() {
            super.close();
            if (winograd != null) {
                winograd.close();
            }
        }
    }

    /** Channels of the input. */
    long inputs() {
        return kernel.inputs();
    }

    final Kernel kernel() {
        return kernel;
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        if (shape.length != 4 || shape[1] != inputs() || value.values().dataType() != DataType.FLOAT) {
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
        Convolution.Shape convolution = new Convolution.Shape(
                shape,
                new long[] {shape[0], kernel.outputs(), size[0], size[1]},
                kernel.shape(),
                windows.window(size, shape[2], shape[3]),
                hasBias(),
                inputErrors,
                exact);
        Convolution operations = Convolution.reading(input, convolution, function());
        return operations == null
                ? null
                : new Passes(
                        operations,
                        function(),
                        Winograd.fits(convolution, operations)
                                ? new WinogradPasses(
                                        kernel.parameter(), kernel.plain(), convolution, operations, function())
                                : null);
    }

    @Override
    void computeOutput(Passes made, INDArray from, INDArray to, Space space) {
        if (!made.hasOwnOutputs()) {
            super.computeOutput(made, from, to, space);
        } else {
            made.winograd.output(from, weights(), bias(), to, packed, space);
        }
    }

    @Override
    void computeError(Passes made, INDArray from, INDArray to, Space space) {
        if (!made.hasOwnOutputs()) {
            super.computeError(made, from, to, space);
        } else {
            made.winograd.error(from, weights(), to, packed, space);
        }
    }

    @Override
    void computeGradient(
            Passes made,
            INDArray from,
            INDArray errors,
            INDArray view,
            @Nullable INDArray ofBias,
            boolean add,
            Space space) {
        if (!made.hasOwnGradient()) {
            super.computeGradient(made, from, errors, view, ofBias, add, space);
        } else {
            made.winograd.gradient(from, errors, view, ofBias, add, space);
        }
    }

    @Override
    boolean leave(
            Passes made,
            INDArray from,
            INDArray errors,
            Map<String, INDArray> views,
            GradientRows rows,
            GradientTurn turn,
            Space space) {
        if (!made.hasOwnGradient()) {
            return super.leave(made, from, errors, views, rows, turn, space);
        }
        if (rows.hasExamplesOf(Convolution.class)) {
            finish(views, rows, space);
        }
        return rows.add(made.winograd, from, errors, turn, space);
    }

    @Override
    boolean hasLeft(GradientRows rows) {
        return rows.hasSum() || rows.hasExamplesOf(Convolution.class);
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
        return layout.equals(kernel.plain())
                ? weights()
                : packed.get(kernel.parameter(), weights(), layout, floats -> reorders()
                        .write(weights(), kernel.plain(), floats, layout, space));
    }

    @Override
    boolean isFinite(Value value, Passes made, Space space) {
        return packed.isFinite(kernel.parameter(), value, weights(), bias());
    }

    @Override
    void writeGradient(Primitive gradient, Layout layout, INDArray view, boolean add, Space space) {
        boolean direct = !add && layout.equals(kernel.plain());
        INDArray floats = direct ? view : space.alignedWork(layout.floats());
        run(gradient.with(Slot.WEIGHT_GRADIENT, floats), space);
        if (add) {
            reorders().add(floats, layout, view, kernel.plain(), space);
        } else if (!direct) {
            reorders().write(floats, layout, view, kernel.plain(), space);
        }
    }

    @Override
    Character orderOfWeights() {
        return 'c';
    }
}
