package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;

/** A layer that can compute its parameter gradients in a later task than its input error. */
public interface PostponesGradient {
    /**
     * Whether the next backward pass keeps what its parameter gradients follow from, where it can, instead of computing
     * them.
     */
    void postponeGradient(boolean postpone);

    /** The gradients that the last backward pass has left, as it would have written them; null if it has not left any. */
    @Nullable Gradient postponedGradient(LayerWorkspaceMgr workspaces);
}
