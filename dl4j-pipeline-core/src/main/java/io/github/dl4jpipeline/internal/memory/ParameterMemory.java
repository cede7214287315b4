package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.Transfers;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Parameters, gradients and updater state of the model, wherever the stages have them. The host has arrays for all of them,
 * which are current after {@link #gather} and {@link #gatherGradients}. Methods that do nothing here are for stages that do
 * not use these arrays where they are.
 *
 * <p>Methods are called between two passes.
 */
public interface ParameterMemory {
    /** Begins a step: stages have the parameters that the host has, if these may have been written. */
    default void beginStep() {}

    /** The graph's regularization term. */
    double regularization();

    /** The part of the host's gradient array that a vertex's gradients in its stage's memory are gathered in. */
    default INDArray gradientOnHost(int position, INDArray gradient) {
        return gradient;
    }

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
    default void applyConstraints(int iteration, int epoch, Runnable onHost) {
        onHost.run();
    }

    /** Makes the host's parameters and updater state those of the stages, if they are behind. */
    default void gather() {}

    /** Makes the host's gradients those of the stages, if they are behind. After the update they are what was subtracted. */
    default void gatherGradients() {}

    /** The host's parameters or updater state may have been written. Call {@link #gather} before writing them. */
    default void hostChanged() {}

    /** What is copied between devices. */
    default Transfers transfers() {
        return new Transfers();
    }

    /** Frees what updates take besides the updater state. No update may run any more. */
    default void freeUpdate() {}
}
