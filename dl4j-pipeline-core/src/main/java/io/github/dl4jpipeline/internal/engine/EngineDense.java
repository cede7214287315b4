package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A dense layer of rows, or of maps with channels first, whose values in row-major order are the row of an example. Weights are read
 * where they are: Deeplearning4j keeps those of an output one after another.
 */
final class EngineDense extends WeightedLayer<EngineDense.Passes> {
    private final boolean takesMaps;
    private final long inputs;
    private final long outputs;

    EngineDense(DenseLayer layer, Activation function, boolean takesMaps) {
        super(layer, DefaultParamInitializer.WEIGHT_KEY, layer.hasBias(), function, Rectifier.is(function));
        this.takesMaps = takesMaps;
        inputs = weights().size(0);
        outputs = weights().size(1);
    }

    /** The operations for one shape of input. */
    static final class Passes extends ProductPasses {
        /** The input before its maps become rows, in row-major order. */
        private final Layout shaped;

        Passes(Dense product, Layout shaped, Activation function) {
            super(product, product.output(), function, Rectifier.fused(function));
            this.shaped = shaped;
        }
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        boolean rank = shape.length == (takesMaps ? 4 : 2);
        boolean fits =
                rank && values(shape) == shape[0] * inputs && value.values().dataType() == DataType.FLOAT;
        return fits ? Layout.rowMajor(shape) : null;
    }

    private static long values(long[] shape) {
        long product = 1;
        for (long size : shape) {
            product *= size;
        }
        return product;
    }

    @Override
    Passes make(Layout shaped) {
        return new Passes(new Dense(shaped.shape()[0], inputs, outputs, hasBias()), shaped, function());
    }

    @Override
    INDArray activation(Value value, Passes made, Space space) {
        return activation(value, made.shaped, space);
    }

    @Override
    Layout inputShape(Passes made) {
        return made.shaped;
    }

    @Override
    @Nullable Character orderOfWeights() {
        return null;
    }
}
