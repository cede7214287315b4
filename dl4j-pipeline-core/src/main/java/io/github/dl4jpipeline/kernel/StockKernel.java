package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Deeplearning4j's own code for a vertex: works for every vertex, and is what the other kernels are compared with. */
class StockKernel implements VertexKernel {
    private final GraphVertex vertex;
    private @Nullable Gradient gradient;

    StockKernel(GraphVertex vertex) {
        this.vertex = vertex;
    }

    final GraphVertex vertex() {
        return vertex;
    }

    @Override
    public @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        setInputs(inputs, workspaces);
        return vertex.doForward(true, workspaces);
    }

    final void setInputs(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        for (int i = 0; i < inputs.length; i++) {
            vertex.setInput(i, inputs[i], workspaces);
        }
    }

    @Override
    public @Nullable INDArray[] backward(@Nullable INDArray error, LayerWorkspaceMgr workspaces) {
        vertex.setEpsilon(error);
        Pair<Gradient, INDArray[]> result = vertex.doBackward(false, workspaces);
        gradient = result.getFirst();
        return result.getSecond() == null ? new INDArray[0] : result.getSecond();
    }

    @Override
    public void bindGradients(INDArray array, boolean add) {
        vertex.setBackpropGradientsViewArray(array);
    }

    @Override
    public boolean addsGradients() {
        return false;
    }

    @Override
    public @Nullable Gradient gradient() {
        return gradient;
    }

    @Override
    public void clear() {
        vertex.clear();
        if (vertex.hasLayer()) {
            vertex.getLayer().clearNoiseWeightParams();
        }
        gradient = null;
    }
}
