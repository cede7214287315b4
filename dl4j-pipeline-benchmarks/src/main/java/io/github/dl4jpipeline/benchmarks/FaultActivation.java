package io.github.dl4jpipeline.benchmarks;

import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.BaseActivationFunction;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The identity, which first runs what a soak has set. It treats every example alike. */
public final class FaultActivation extends BaseActivationFunction {
    private static final long serialVersionUID = 1;
    private static volatile Runnable onForward = FaultActivation::nothing;
    private static volatile Runnable onBackward = FaultActivation::nothing;

    private static void nothing() {}

    static void onForward(Runnable action) {
        onForward = action;
    }

    static void onBackward(Runnable action) {
        onBackward = action;
    }

    static void reset() {
        onForward = FaultActivation::nothing;
        onBackward = FaultActivation::nothing;
    }

    @Override
    public INDArray getActivation(INDArray in, boolean training) {
        onForward.run();
        return in;
    }

    @Override
    public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
        onBackward.run();
        return new Pair<>(epsilon, null);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FaultActivation;
    }

    @Override
    public int hashCode() {
        return FaultActivation.class.hashCode();
    }
}
