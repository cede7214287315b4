package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.feedforward.embedding.EmbeddingLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;

/** An embedding that adds the rows of a micro-batch to the gradients of others, and looks nothing up in its backward pass. */
final class FastEmbedding extends EmbeddingLayer implements AddsGradients {
    private boolean add;

    FastEmbedding(EmbeddingLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public Pair<Gradient, @Nullable INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        IActivation function = layerConf().getActivationFn();
        INDArray delta = EmbeddingGradient.isIdentity(function)
                ? error
                : function.backprop(preOutput(true, workspaces), error).getFirst();
        if (maskArray != null) {
            delta.muliColumnVector(maskArray.castTo(dataType));
        }
        return new Pair<>(EmbeddingGradient.of(input, delta, gradientViews, add, workspaces), null);
    }
}
