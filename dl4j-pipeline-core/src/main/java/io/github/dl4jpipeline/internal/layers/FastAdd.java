package io.github.dl4jpipeline.internal.layers;

import java.util.Arrays;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.impl.ElementWiseVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.AddOp;
import org.nd4j.linalg.factory.Nd4j;

/** Adds arrays in one pass at inference, in the order of their memory. */
@SuppressWarnings("overrides") // setInputs of the superclasses
final class FastAdd extends ElementWiseVertex {

    FastAdd(ComputationGraph graph, ElementWiseVertex original) {
        super(
                graph,
                original.getVertexName(),
                original.getVertexIndex(),
                original.getInputVertices(),
                original.getOutputVertices(),
                Op.Add,
                graph.getConfiguration().getDataType());
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray first = inputs.length == 2 && !training ? inputs[0] : null;
        if (first == null
                || !Arrays.equals(first.shape(), inputs[1].shape())
                || first.dataType() != inputs[1].dataType()
                || first.dataType() != dataType) {
            return super.doForward(training, workspaces);
        }
        boolean channelsLast = ChannelsLast.is(first);
        INDArray from = ChannelsLast.inOrder(first);
        INDArray other = channelsLast ? ChannelsLast.view(inputs[1]) : inputs[1];
        INDArray sum = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, from.shape(), 'c');
        Nd4j.exec(new AddOp(from, other, sum));
        return ChannelsLast.like(first, sum);
    }
}
