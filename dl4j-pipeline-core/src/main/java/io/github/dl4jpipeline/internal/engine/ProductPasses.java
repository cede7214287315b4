package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;

/** The operations of a layer that is a product of matrices. */
abstract class ProductPasses extends WeightedLayer.Passes {
    private final Dense product;

    /** @param fused what the forward operation itself applies to its results */
    ProductPasses(Dense product, Layout output, Activation function, Activation fused) {
        super(product.input(), output, function, product.forward(fused));
        this.product = product;
    }

    @Override
    final Dense shared() {
        return product;
    }

    @Override
    final Layout gradientWeights() {
        return product.gradientWeights();
    }

    @Override
    final Primitive makeBackward() {
        return product.backward();
    }

    @Override
    final Primitive makeGradient() {
        return product.gradient();
    }
}
