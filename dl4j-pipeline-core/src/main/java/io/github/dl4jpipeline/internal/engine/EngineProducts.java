package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.engine.EngineConvolution.Kernel;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A 2D convolution of small maps with many channels, as one product of matrices for all examples: oneDNN's own goes over one example
 * at a time, which leaves little work for each weight that it reads.
 */
final class EngineProducts extends WeightedLayer<EngineProducts.Passes> {
    /** At so few places of the output products are faster, on processors with AVX2: 2 to 4 times at 4 places. */
    private static final long MOST_PLACES = 9;

    private static final long LEAST_CHANNELS = 64;

    private final Kernel kernel;
    private final Windows windows;
    private final Layer layer;
    private final boolean bias;
    private final PackedWeights packed;

    EngineProducts(
            Kernel kernel, Windows windows, Layer layer, boolean bias, Activation function, PackedWeights packed) {
        super(kernel.parameter(), function, false);
        this.kernel = kernel;
        this.windows = windows;
        this.layer = layer;
        this.bias = bias;
        this.packed = packed;
    }

    /** The operations for one shape of input. */
    static final class Passes extends WeightedLayer.Passes {
        private final Columns columns;
        private final Dense product;

        Passes(Columns columns, Dense product, Layout output, Activation function) {
            super(product.input(), output, function, product.forward(function));
            this.columns = columns;
            this.product = product;
        }

        @Override
        Primitive makeBackward() {
            return product.backward();
        }

        @Override
        Primitive makeGradient() {
            return product.gradient();
        }
    }

    private INDArray weights() {
        return layer.getParam(kernel.parameter());
    }

    @Override
    @Nullable INDArray bias() {
        return bias ? layer.getParam(ConvolutionParamInitializer.BIAS_KEY) : null;
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        boolean fits = shape.length == 4
                && shape[1] == kernel.inputs()
                && shape[1] >= LEAST_CHANNELS
                && value.values().dataType() == DataType.FLOAT;
        long[] size = fits && windows.isStride1() ? windows.outputSize(shape[2], shape[3]) : null;
        return size == null || size[0] * size[1] > MOST_PLACES ? null : Columns.channelsLast(shape);
    }

    @Override
    Passes make(Layout maps) {
        long[] shape = maps.shape();
        long[] size = windows.outputSize(shape[2], shape[3]);
        Columns columns = new Columns(shape, size, windows.window(size, shape[2], shape[3]));
        Layout output = Columns.channelsLast(new long[] {shape[0], kernel.outputs(), size[0], size[1]});
        return new Passes(
                columns, new Dense(columns.rows(), columns.columns(), kernel.outputs(), bias), output, function());
    }

    @Override
    INDArray activation(Value value, Passes made, Space space) {
        INDArray maps = reorders().in(made.columns.maps(), value, space, space::work);
        INDArray columns = space.activation(made.input().floats());
        made.columns.unfold(maps.reshape(maps.length()), columns, reorders(), space);
        return columns;
    }

    @Override
    Value inputError(INDArray floats, Passes made, Space space) {
        INDArray maps = space.error(made.columns.maps().floats());
        made.columns.fold(floats, maps, reorders(), space);
        return new Value(maps, made.columns.maps());
    }

    @Override
    INDArray forwardWeights(Passes passes, Space space) {
        return weights();
    }

    @Override
    INDArray backwardWeights(Passes passes, Space space) {
        return weights();
    }

    @Override
    boolean isFinite(Value value, Passes made, Space space) {
        if (value.isArray()) {
            packed.inspect(value.values());
        }
        INDArray added = bias();
        packed.inspect(kernel.packed(), added == null ? new INDArray[] {weights()} : new INDArray[] {weights(), added});
        return !packed.isSuspect();
    }

    @Override
    void writeGradient(Passes made, Primitive gradient, INDArray view, boolean add, Space space) {
        INDArray floats = add ? space.work(view.length()) : view;
        run(gradient.with(Slot.WEIGHT_GRADIENT, floats), space);
        if (add) {
            view.addi(floats.reshape('c', view.shape()));
        }
    }

    @Override
    Character orderOfWeights() {
        return 'c';
    }
}
