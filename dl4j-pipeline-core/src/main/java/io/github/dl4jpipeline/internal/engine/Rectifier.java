package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.scalar.RectifiedLinear;
import org.nd4j.linalg.factory.Nd4j;

/** ReLU by ND4J's operation, which leaves NaN as it is. oneDNN's makes 0 of it. */
final class Rectifier {
    private Rectifier() {}

    static boolean is(Activation function) {
        return function.function() == Activation.Function.RELU && function.alpha() == 0;
    }

    /** What an operation may apply to its results itself. */
    static Activation fused(Activation function) {
        return is(function) ? Activation.IDENTITY : function;
    }

    static void run(INDArray values, INDArray result) {
        Nd4j.exec(new RectifiedLinear(values, result));
    }
}
