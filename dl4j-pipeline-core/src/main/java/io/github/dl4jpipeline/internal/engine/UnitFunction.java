package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationCube;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationHardSigmoid;
import org.nd4j.linalg.activations.impl.ActivationHardTanH;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationMish;
import org.nd4j.linalg.activations.impl.ActivationRationalTanh;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU6;
import org.nd4j.linalg.activations.impl.ActivationRectifiedTanh;
import org.nd4j.linalg.activations.impl.ActivationSELU;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSoftPlus;
import org.nd4j.linalg.activations.impl.ActivationSoftSign;
import org.nd4j.linalg.activations.impl.ActivationSwish;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.activations.impl.ActivationThresholdedReLU;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A function of each unit of a recurrent layer, for the units of all examples at one step. oneDNN computes tanh and sigmoid, whose
 * derivatives follow from their values. ND4J computes others, and their derivatives are kept.
 */
final class UnitFunction implements AutoCloseable {
    private static final Set<Class<?>> OF_ND4J = Set.of(
            ActivationCube.class,
            ActivationELU.class,
            ActivationGELU.class,
            ActivationHardSigmoid.class,
            ActivationHardTanH.class,
            ActivationIdentity.class,
            ActivationLReLU.class,
            ActivationMish.class,
            ActivationRationalTanh.class,
            ActivationReLU.class,
            ActivationReLU6.class,
            ActivationRectifiedTanh.class,
            ActivationSELU.class,
            ActivationSoftPlus.class,
            ActivationSoftSign.class,
            ActivationSwish.class,
            ActivationThresholdedReLU.class);

    private final IActivation function;
    private final long units;
    private final @Nullable Primitive primitive;

    /** @param units of all examples */
    UnitFunction(IActivation function, long units) {
        this.function = function;
        this.units = units;
        Activation known = keepsDerivative(function) ? null : Functions.of(function);
        this.primitive = known == null ? null : known.forward(Layout.rowMajor(units));
    }

    /** Whether this can compute it. */
    static boolean isKnown(IActivation function) {
        return !keepsDerivative(function) || OF_ND4J.contains(function.getClass());
    }

    /** Whether its derivative does not follow from its value. */
    static boolean keepsDerivative(IActivation function) {
        Class<?> kind = function.getClass(); // subclasses may compute something else
        return kind != ActivationTanH.class && kind != ActivationSigmoid.class;
    }

    /**
     * Computes values.
     *
     * @param at where they are in {@code floats}, which they replace
     * @param derivatives where derivatives go; null if nobody wants them
     */
    void apply(INDArray floats, long at, @Nullable INDArray derivatives, long derivativesAt, Space space) {
        if (primitive != null) {
            primitive.with(Slot.INPUT, floats, at).with(Slot.OUTPUT, floats, at);
            EngineLayer.run(primitive, space);
            return;
        }
        INDArray values = part(floats, at);
        if (derivatives != null) {
            INDArray ones = Nd4j.ones(values.dataType(), 1, units);
            INDArray slopes = function.backprop(values.dup(), ones).getFirst();
            part(derivatives, derivativesAt).assign(slopes);
        }
        values.assign(function.getActivation(values.dup(), derivatives != null));
    }

    private INDArray part(INDArray floats, long at) {
        return floats.get(NDArrayIndex.interval(at, at + units)).reshape(1, units);
    }

    /**
     * Multiplies errors by the derivative.
     *
     * @param kept values of the function, or its derivatives where it {@linkplain #keepsDerivative keeps} them
     */
    static void multiply(IActivation function, float[] errors, float[] kept, int length) {
        Class<?> kind = function.getClass();
        if (kind == ActivationTanH.class) {
            for (int i = 0; i < length; i++) {
                errors[i] *= 1 - kept[i] * kept[i];
            }
        } else if (kind == ActivationSigmoid.class) {
            for (int i = 0; i < length; i++) {
                errors[i] *= kept[i] * (1 - kept[i]);
            }
        } else {
            for (int i = 0; i < length; i++) {
                errors[i] *= kept[i];
            }
        }
    }

    @Override
    public void close() {
        if (primitive != null) {
            primitive.close();
        }
    }
}
