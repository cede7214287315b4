package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.scalar.RectifiedLinear;
import org.nd4j.linalg.api.ops.impl.scalar.Step;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A layer's activation function, applied to its pre-activation in place.
 *
 * <p>The derivative of ReLU follows from its output, and that of the identity from nothing, so for these the
 * pre-activation need not be kept. For other functions a copy of it is.
 */
final class InPlaceActivation {
    private final IActivation function;
    private final boolean identity;
    private final boolean relu;
    private @Nullable INDArray kept;

    InPlaceActivation(IActivation function) {
        this.function = function;
        this.identity = function instanceof ActivationIdentity;
        this.relu = function instanceof ActivationReLU plain
                && plain.getMax() == null
                && plain.getThreshold() == null
                && plain.getNegativeSlope() == null;
    }

    /** The activation in an array of its own. */
    INDArray forwardOf(INDArray preActivation, boolean training, LayerWorkspaceMgr workspaces) {
        if (!relu) {
            INDArray copy = workspaces.dup(ArrayType.ACTIVATIONS, preActivation, preActivation.ordering());
            return forward(copy, training, workspaces);
        }
        INDArray activation = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS, preActivation.dataType(), preActivation.shape(), preActivation.ordering());
        Nd4j.exec(new RectifiedLinear(preActivation, activation));
        if (training) {
            kept = activation;
        }
        return activation;
    }

    /** The activation, which replaces the pre-activation. */
    INDArray forward(INDArray preActivation, boolean training, LayerWorkspaceMgr workspaces) {
        if (training && !identity && !relu) {
            kept = workspaces.dup(ArrayType.ACTIVATIONS, preActivation, preActivation.ordering());
        }
        INDArray activation = function.getActivation(preActivation, training);
        if (training && relu) {
            kept = activation;
        }
        return activation;
    }

    /**
     * The gradient by the pre-activation, after a forward pass in training.
     *
     * @param error gradient by the activation; overwritten
     */
    INDArray backward(INDArray error, LayerWorkspaceMgr workspaces) {
        if (identity) {
            return error;
        }
        INDArray array = kept;
        if (array == null) {
            throw new IllegalStateException("Backward pass without a forward pass in training before it");
        }
        if (!relu) {
            return function.backprop(array, error).getFirst();
        }
        if (HostFloats.are(array, error)) {
            ReluGradient.apply(array, error);
            return error;
        }
        if (FewNumbers.are(array, error)) {
            FewNumbers.multiplyByStep(error, array);
            return error;
        }
        INDArray slope = workspaces.createUninitialized(
                ArrayType.BP_WORKING_MEM, array.dataType(), array.shape(), array.ordering());
        Nd4j.exec(new Step(array, slope));
        return error.muli(slope);
    }

    /** The pre-activation, or what has the same derivative. */
    INDArray preActivation(INDArray activation) {
        return kept == null ? activation : kept;
    }

    void clear() {
        kept = null;
    }
}
