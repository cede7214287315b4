package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Activation.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationTanH;

/** Deeplearning4j's activation functions that oneDNN has, too. */
final class Functions {
    private Functions() {}

    /** Null if it is none of them. */
    static @Nullable Activation of(IActivation function) {
        Class<?> kind = function.getClass(); // subclasses may compute something else
        if (kind == ActivationIdentity.class) {
            return Activation.IDENTITY;
        }
        if (kind == ActivationReLU.class) {
            ActivationReLU relu = (ActivationReLU) function;
            boolean plain = relu.getMax() == null && relu.getThreshold() == null && relu.getNegativeSlope() == null;
            return plain ? new Activation(Function.RELU, 0) : null;
        }
        if (kind == ActivationLReLU.class) {
            double slope = ((ActivationLReLU) function).getAlpha();
            return slope > 0 ? new Activation(Function.RELU, (float) slope) : null;
        }
        if (kind == ActivationELU.class) {
            double factor = ((ActivationELU) function).getAlpha();
            return factor == 1 ? new Activation(Function.ELU, 1) : null;
        }
        if (kind == ActivationTanH.class) {
            return new Activation(Function.TANH, 0);
        }
        return kind == ActivationSigmoid.class ? new Activation(Function.SIGMOID, 0) : null;
    }
}
