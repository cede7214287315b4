package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.Transfers;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Parameters, gradients and updater state of the model, wherever the stages have them. The host has arrays for all of them,
 * which are current after {@link #gather} and {@link #gatherGradients}.
 *
 * <p>Methods are called between two passes.
 */
public interface ParameterMemory {
    /** Begins a step: stages have the parameters that the host has, if these may have been written. */
    void beginStep();

    /** The graph's regularization term. */
    double regularization();

    /** The part of the host's gradient array that a vertex's gradients in its stage's memory are gathered in. */
    INDArray gradientOnHost(int position, INDArray gradient);

    /**
     * Updates the parameters with the gradient sums of a batch, and so commits the step.
     *
     * @throws RuntimeException if that fails; parameters and updater state are as they were
     */
    void update(LayerWorkspaceMgr workspaces);

    /**
     * Applies the constraints of layers to their parameters.
     *
     * @param onHost does so to the host's
     */
    void applyConstraints(int iteration, int epoch, Runnable onHost);

    /** Makes the host's parameters and updater state those of the stages, if they are behind. */
    void gather();

    /** Makes the host's gradients those of the stages, if they are behind. After the update they are what was subtracted. */
    void gatherGradients();

    /** The host's parameters or updater state may have been written. Call {@link #gather} before writing them. */
    void hostChanged();

    /** What is copied between devices. */
    Transfers transfers();

    /** Frees what updates take besides the updater state. No update may run any more. */
    void freeUpdate();
}
