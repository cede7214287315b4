package io.github.dl4jpipeline.internal.layers;

import java.util.Map;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.scatter.ScatterUpdate.UpdateOp;
import org.nd4j.linalg.factory.Nd4j;

/** The gradients of a table whose rows an embedding has looked up. */
final class EmbeddingGradient {
    private static final int ROWS = 1;

    private EmbeddingGradient() {}

    /** Whether errors of the output are those of the rows. */
    static boolean isIdentity(IActivation function) {
        return function.getClass() == ActivationIdentity.class;
    }

    /**
     * Writes the gradients to their views, or adds them.
     *
     * @param indices numbers of the rows, of any shape
     * @param delta the errors of the rows, in the order of the indices
     */
    @SuppressWarnings("deprecation") // its successor copies the table
    static Gradient of(
            INDArray indices, INDArray delta, Map<String, INDArray> views, boolean add, LayerWorkspaceMgr workspaces) {
        INDArray weights = views.get(DefaultParamInitializer.WEIGHT_KEY);
        if (!add) {
            weights.assign(0);
        }
        int[] numbers =
                workspaces.dup(ArrayType.BP_WORKING_MEM, indices, 'c').data().asInt();
        Nd4j.scatterUpdate(UpdateOp.ADD, weights, Nd4j.createFromArray(numbers), delta, ROWS);
        DenseMath.biasGradient(delta, views, add, workspaces);
        return DenseMath.named(views, DefaultParamInitializer.WEIGHT_KEY, DefaultParamInitializer.BIAS_KEY);
    }
}
