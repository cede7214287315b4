package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.feedforward.embedding.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;

/** The same as {@link FastEmbedding} for each step of sequences. */
final class FastEmbeddingSequence extends EmbeddingSequenceLayer implements AddsGradients {
    private boolean add;

    FastEmbeddingSequence(EmbeddingSequenceLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public Pair<Gradient, @Nullable INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        boolean stepsLast = layerConf().getOutputFormat() == RNNFormat.NCW;
        IActivation function = layerConf().getActivationFn();
        INDArray delta = EmbeddingGradient.isIdentity(function)
                ? error
                : function.backprop(preOutput(true, workspaces), error).getFirst();
        if (maskArray != null) {
            Broadcast.mul(delta, maskArray.castTo(delta.dataType()), delta, 0, stepsLast ? 2 : 1);
        }
        INDArray ofSteps = stepsLast ? delta.permute(0, 2, 1) : delta;
        INDArray rows = ofSteps.reshape('c', input.length(), layerConf().getNOut());
        return new Pair<>(EmbeddingGradient.of(input, rows, gradientViews, add, workspaces), null);
    }
}
