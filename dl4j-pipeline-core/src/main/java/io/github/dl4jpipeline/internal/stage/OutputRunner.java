package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Sequence;
import io.github.dl4jpipeline.internal.engine.Value;
import java.util.Arrays;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.LossLayer;
import org.deeplearning4j.nn.layers.recurrent.RnnOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network output: only takes its input in the forward pass, since output layers compute what they need in the backward
 * pass, where the labels are.
 */
final class OutputRunner extends VertexRunner {
    /** @param inputErrors whether a vertex that it reads needs an error */
    OutputRunner(GraphVertex vertex, boolean inputErrors) {
        super(vertex, inputErrors);
    }

    /** Outputs at every step read sequences where they are, whatever the order of their dimensions. */
    @Override
    @Nullable Value forward(Value[] inputs, boolean training, LayerWorkspaceMgr workspaces, Reorders reorders) {
        Value[] read = inputs;
        if (vertex().getLayer() instanceof RnnOutputLayer) {
            read = Arrays.stream(inputs).map(OutputRunner::view).toArray(Value[]::new);
        }
        return super.forward(read, training, workspaces, reorders);
    }

    private static Value view(Value value) {
        INDArray array = Sequence.view(value);
        return array == null ? value : Value.of(array);
    }

    @Override
    public @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        INDArray[] own = inputs;
        if (layer() instanceof LossLayer) {
            // Its backward pass may overwrite what it has read, from which others still compute their gradients.
            own = Arrays.stream(inputs)
                    .map(input -> workspaces.dup(ArrayType.INPUT, input, input.ordering()))
                    .toArray(INDArray[]::new);
        }
        setInputs(own, workspaces);
        return null;
    }

    /** Sets the labels, before the backward pass. */
    void setLabels(@Nullable INDArray labels) {
        layer().setLabels(labels);
    }

    /**
     * The score, after the backward pass.
     *
     * @param labelMask the mask of the labels, or null
     * @param regularization a term to add
     */
    BackwardResult.Score score(@Nullable INDArray labelMask, double regularization, LayerWorkspaceMgr workspaces) {
        if (vertex() instanceof LayerVertex layerVertex && !layerVertex.isSetLayerInput()) {
            layerVertex.applyPreprocessorAndSetInput(workspaces);
        }
        Layer layer = (Layer) layer();
        // As plain fit does: without a mask of its own the layer has computed its gradient with that of its input.
        layer.setMaskArray(labelMask);
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
            double score = layer().computeScore(regularization, true, workspaces);
            boolean isSum = layer instanceof BaseOutputLayer && !layer.conf().isMiniBatch();
            return new BackwardResult.Score(score, isSum);
        }
    }

    private IOutputLayer layer() {
        Layer layer = vertex().getLayer();
        return (IOutputLayer) (layer instanceof FrozenLayerWithBackprop frozen ? frozen.getInsideLayer() : layer);
    }
}
