package io.github.dl4jpipeline.internal.layers;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Calls of native operations by name, into arrays that there are. */
final class NativeOp {
    private NativeOp() {}

    static void run(String name, INDArray[] inputs, INDArray[] outputs, int... arguments) {
        Nd4j.exec(DynamicCustomOp.builder(name)
                .addInputs(inputs)
                .addOutputs(outputs)
                .addIntegerArguments(arguments)
                .build());
    }

    /** Writes the product of a matrix transposed and another to {@code result}, or adds it. */
    static void transposedBy(INDArray left, INDArray right, INDArray result, boolean add) {
        multiply(left, right, result, add, 1, 0);
    }

    private static void multiply(INDArray left, INDArray right, INDArray result, boolean add, int... transposed) {
        Nd4j.exec(DynamicCustomOp.builder("matmul")
                .addInputs(left, right)
                .addOutputs(result)
                .addIntegerArguments(transposed)
                .addFloatingPointArguments(1.0, add ? 1.0 : 0.0)
                .build());
    }
}
