package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** A dense layer of rows. Weights are read where they are: Deeplearning4j keeps those of an output one after another. */
final class EngineDense extends WeightedLayer<EngineDense.Passes> {
    private final long inputs;
    private final long outputs;

    EngineDense(DenseLayer layer, boolean bias, Activation function) {
        super(layer, DefaultParamInitializer.WEIGHT_KEY, bias, function, Rectifier.is(function));
        inputs = weights().size(0);
        outputs = weights().size(1);
    }

    /** The operations for one shape of input. */
    static final class Passes extends ProductPasses {
        Passes(Dense product, Activation function) {
            super(product, product.output(), function, Rectifier.fused(function));
        }
    }

    @Override
    @Nullable Layout layoutOf(Value value) {
        long[] shape = value.shape();
        boolean fits = shape.length == 2 && shape[1] == inputs && value.values().dataType() == DataType.FLOAT;
        return fits ? Layout.rowMajor(shape) : null;
    }

    @Override
    Passes make(Layout rows) {
        return new Passes(new Dense(rows.shape()[0], inputs, outputs, hasBias()), function());
    }

    @Override
    @Nullable Character orderOfWeights() {
        return null;
    }
}
