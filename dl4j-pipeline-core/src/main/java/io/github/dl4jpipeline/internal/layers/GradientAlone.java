package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A layer whose backward pass can leave out its input error, as where it reads the features. */
public interface GradientAlone {
    /**
     * The backward pass for the parameters alone.
     *
     * @param error gradient by the output; overwritten; an output layer takes no notice of it
     */
    Gradient gradient(INDArray error, LayerWorkspaceMgr workspaces);
}
