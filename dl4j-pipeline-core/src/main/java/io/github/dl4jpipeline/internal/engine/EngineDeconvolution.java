package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ChannelValues;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.SharedGradient;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.util.Arrays;
import org.deeplearning4j.nn.api.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A transposed 2D convolution of maps with channels first. It runs the passes of the convolution that has its outputs for inputs, the
 * backward one forward.
 */
final class EngineDeconvolution extends EngineConvolution {
    private final Windows windows;
    private final boolean exact;

    /** @param kernel of the convolution, which reads the outputs */
    EngineDeconvolution(
            Kernel kernel,
            Windows windows,
            Layer layer,
            boolean bias,
            Activation function,
            PackedWeights packed,
            boolean exact) {
        super(kernel, windows, layer, bias, function, packed, true, exact);
        this.windows = windows;
        this.exact = exact;
    }

    /** The operations for one layout of input. */
    private static final class Transposed extends Passes {
        private final ChannelLoops loops;
        private final @Nullable Primitive activation;
        private final double[] zeros;
        private final double[] ones;

        Transposed(Convolution operations, Activation function, ChannelLoops loops) {
            super(operations, function);
            this.loops = loops;
            zeros = new double[(int) operations.input().shape()[1]];
            ones = zeros.clone();
            Arrays.fill(ones, 1);
            activation = function.isIdentity() ? null : function.forward(operations.input());
        }

        @Override
        Primitive makeBackward() {
            return operations().forward();
        }

        /** None: inputs and errors have changed places. */
        @Override
        @Nullable SharedGradient shared() {
            return null;
        }

        @Override
        public void close() {
            super.close();
            if (activation != null) {
                activation.close();
            }
        }
    }

    @Override
    long inputs() {
        return kernel().outputs();
    }

    @Override
    @Nullable Passes make(Layout input) {
        long[] shape = input.shape();
        long[] size = windows.inputSize(shape[2], shape[3]);
        if (size == null) {
            return null;
        }
        long[] written = {shape[0], kernel().inputs(), size[0], size[1]};
        Convolution.Shape convolution = new Convolution.Shape(
                written,
                shape,
                kernel().shape(),
                windows.window(new long[] {shape[2], shape[3]}, size[0], size[1]),
                false,
                true,
                exact);
        Convolution operations = Convolution.reading(Layout.rowMajor(written), convolution, Activation.IDENTITY);
        ChannelLoops loops = operations == null ? null : ChannelLoops.of(operations.input());
        return loops == null ? null : new Transposed(operations, function(), loops);
    }

    @Override
    void computeOutput(Passes made, INDArray from, INDArray to, Space space) {
        Primitive forward = made.forward();
        forward.with(Slot.OUTPUT_ERROR, from).with(Slot.WEIGHTS, forwardWeights(made, space));
        run(forward.with(Slot.INPUT_ERROR, to), space);
        Transposed passes = (Transposed) made;
        INDArray bias = bias();
        if (bias != null) {
            passes.loops.scale(to, passes.zeros, passes.ones, ChannelValues.of(bias), to);
        }
        if (passes.activation != null) {
            run(passes.activation.with(Slot.INPUT, to).with(Slot.OUTPUT, to), space);
        }
    }

    @Override
    void computeError(Passes made, INDArray from, INDArray to, Space space) {
        Primitive backward = made.backward();
        backward.with(Slot.INPUT, from).with(Slot.WEIGHTS, backwardWeights(made, space));
        run(backward.with(Slot.OUTPUT, to), space);
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
        Primitive gradient = made.gradient().with(Slot.INPUT, errors).with(Slot.OUTPUT_ERROR, from);
        writeGradient(gradient, made.gradientWeights(), view, add, space);
        if (ofBias != null) {
            ChannelValues.write(((Transposed) made).loops.sum(errors), ofBias);
        }
    }
}
