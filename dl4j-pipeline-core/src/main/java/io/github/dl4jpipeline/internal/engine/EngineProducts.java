package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.engine.EngineConvolution.Kernel;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import org.deeplearning4j.nn.api.Layer;
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
    private final PackedWeights packed;

    EngineProducts(
            Kernel kernel, Windows windows, Layer layer, boolean bias, Activation function, PackedWeights packed) {
        super(layer, kernel.parameter().name(), bias, function, false);
        this.kernel = kernel;
        this.windows = windows;
        this.packed = packed;
    }

    /** The operations for one shape of input. */
    static final class Passes extends ProductPasses {
        private final Columns columns;

        Passes(Columns columns, Dense product, Layout output, Activation function) {
            super(product, output, function, function);
            this.columns = columns;
        }
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        boolean fits = shape.length == 4
                && shape[1] == kernel.inputs()
                && shape[1] >= LEAST_CHANNELS
                && value.values().dataType() == DataType.FLOAT;
        long[] size = fits ? windows.outputSize(shape[2], shape[3]) : null;
        return size == null || size[0] * size[1] > MOST_PLACES ? null : Columns.channelsLast(shape);
    }

    @Override
    Passes make(Layout maps) {
        long[] shape = maps.shape();
        long[] size = windows.outputSize(shape[2], shape[3]);
        Columns columns = new Columns(shape, size, windows.window(size, shape[2], shape[3]));
        Layout output = Columns.channelsLast(new long[] {shape[0], kernel.outputs(), size[0], size[1]});
        return new Passes(
                columns, new Dense(columns.rows(), columns.columns(), kernel.outputs(), hasBias()), output, function());
    }

    @Override
    INDArray activation(Value value, Passes made, Space space) {
        if (made.columns.areMaps()) {
            return activation(value, made.columns.maps(), space);
        }
        INDArray maps = reorders().in(made.columns.maps(), value, space, space::work);
        INDArray columns = space.activation(made.input().floats());
        made.columns.unfold(maps.reshape(maps.length()), columns, reorders(), space);
        return columns;
    }

    @Override
    Value inputError(INDArray floats, Passes made, Space space) {
        if (made.columns.areMaps()) {
            return new Value(floats, made.columns.maps());
        }
        INDArray maps = space.error(made.columns.maps().floats());
        made.columns.fold(floats, maps, reorders(), space);
        return new Value(maps, made.columns.maps());
    }

    @Override
    boolean isFinite(Value value, Passes made, Space space) {
        return packed.isFinite(kernel.parameter(), value, weights(), bias());
    }

    @Override
    Character orderOfWeights() {
        return 'c';
    }
}
