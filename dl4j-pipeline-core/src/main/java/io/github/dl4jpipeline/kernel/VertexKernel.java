package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs one vertex of a replica, and keeps between the passes what the backward pass needs.
 *
 * <p>The arrays that it returns lie in the workspaces of the task, or are views of arrays that do.
 */
interface VertexKernel {
    /**
     * The forward pass.
     *
     * @param inputs outputs of the vertices that it reads, in the order of its inputs
     * @return its output; null for a network output, which has no reader
     */
    @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces);

    /**
     * The backward pass. Parameter gradients go to the array bound last.
     *
     * @param error gradient of the loss by its output, which the kernel may overwrite; null for a network output
     * @return for each input the gradient of the loss by it; null for inputs that have none
     */
    @Nullable INDArray[] backward(@Nullable INDArray error, LayerWorkspaceMgr workspaces);

    /**
     * Sets where parameter gradients go.
     *
     * @param gradients an array of the length of the parameters
     * @param add whether to add to it; a kernel that {@linkplain #addsGradients() cannot} always overwrites it
     */
    void bindGradients(INDArray gradients, boolean add);

    /** Whether this kernel can add to the gradients that it finds. */
    boolean addsGradients();

    /** What the last backward pass has computed, as views of the array bound; null if the vertex trains nothing. */
    @Nullable Gradient gradient();

    /** Forgets the micro-batch. */
    void clear();
}
