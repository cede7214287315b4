package io.github.dl4jpipeline.internal.layers;

import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The matrix products of dense layers. They are oneDNN's: BLAS keeps its threads, and so a core, busy after each. */
final class DenseMath {
    private DenseMath() {}

    /** {@code input · weights + bias}, {@code [examples, outputs]}, among the activations. */
    static INDArray output(INDArray input, INDArray weights, @Nullable INDArray bias, LayerWorkspaceMgr workspaces) {
        INDArray output = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS, weights.dataType(), new long[] {input.rows(), weights.columns()}, 'c');
        // oneDNN, which ND4J uses for this operation, reads the weights where they are; BLAS copies them first, and its
        // threads keep a core busy for a while after a product.
        NativeOp.run("matmul", new INDArray[] {input, weights}, new INDArray[] {output});
        if (bias != null && FewNumbers.are(output, bias)) {
            FewNumbers.addToRows(output, bias);
        } else if (bias != null) {
            output.addiRowVector(bias);
        }
        return output;
    }

    /** The gradient by the input, {@code [examples, inputs]}. */
    static INDArray inputError(INDArray delta, INDArray weights, LayerWorkspaceMgr workspaces) {
        INDArray error = workspaces.createUninitialized(
                ArrayType.ACTIVATION_GRAD, weights.dataType(), new long[] {delta.size(0), weights.size(0)}, 'c');
        NativeOp.run("matmul", new INDArray[] {delta, weights}, new INDArray[] {error}, 0, 1);
        return error;
    }

    /** Writes the gradients by weights and bias, if there is one, to their views, or adds them. */
    static void gradient(
            INDArray input, INDArray delta, Map<String, INDArray> views, boolean add, LayerWorkspaceMgr workspaces) {
        biasGradient(delta, views, add, workspaces);
        INDArray weightSum = views.get(DefaultParamInitializer.WEIGHT_KEY);
        // With its rows in a row, as the transposed has them, oneDNN writes it up to twice as fast.
        NativeOp.transposedBy(delta, input, weightSum.transpose(), add);
    }

    /** The same of the bias alone. */
    static void biasGradient(INDArray delta, Map<String, INDArray> views, boolean add, LayerWorkspaceMgr workspaces) {
        INDArray biasSum = views.get(DefaultParamInitializer.BIAS_KEY);
        if (biasSum != null) {
            if (FewNumbers.are(delta, biasSum)) {
                FewNumbers.sumOfRows(delta, biasSum, add);
            } else if (add) {
                INDArray part = workspaces.createUninitialized(
                        ArrayType.BP_WORKING_MEM, biasSum.dataType(), biasSum.shape(), 'c');
                biasSum.addi(delta.sum(part, 0));
            } else {
                delta.sum(biasSum, 0);
            }
        }
    }

    /** The gradients that have been written to their views, as far as there are such parameters, in the order given. */
    static Gradient named(Map<String, INDArray> views, String... names) {
        Gradient gradient = new DefaultGradient();
        for (String name : names) {
            if (views.containsKey(name)) {
                gradient.setGradientFor(name, views.get(name));
            }
        }
        return gradient;
    }
}
