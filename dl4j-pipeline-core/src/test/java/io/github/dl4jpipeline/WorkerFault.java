package io.github.dl4jpipeline;

import java.util.function.Consumer;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.BaseActivationFunction;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A tanh whose backward pass is wrong by a factor, but only in the workers of a pipeline: plain Deeplearning4j's is right. */
public final class WorkerFault extends BaseActivationFunction {
    private static final long serialVersionUID = 1;
    private static volatile double factor = 1;
    private static volatile Consumer<DataType> elsewhere = type -> {};

    /** By how much errors are wrong from now on. */
    static void set(double value) {
        factor = value;
    }

    /** What backward passes outside of workers do first, with their type. */
    static void elsewhere(Consumer<DataType> action) {
        elsewhere = action;
    }

    static void reset() {
        factor = 1;
        elsewhere = type -> {};
    }

    @Override
    public INDArray getActivation(INDArray in, boolean training) {
        return new ActivationTanH().getActivation(in, training);
    }

    @Override
    public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
        boolean inWorker = Thread.currentThread().getName().contains("-stage-");
        if (!inWorker) {
            elsewhere.accept(in.dataType());
        }
        Pair<INDArray, INDArray> right = new ActivationTanH().backprop(in, epsilon);
        return inWorker ? new Pair<>(right.getFirst().muli(factor), right.getSecond()) : right;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WorkerFault;
    }

    @Override
    public int hashCode() {
        return WorkerFault.class.hashCode();
    }
}
