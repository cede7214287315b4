package io.github.dl4jpipeline.internal.stage;

import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs a recurrent vertex in segments by its layer. */
final class SegmentRunner extends VertexRunner {
    private final Segment segment;

    SegmentRunner(GraphVertex vertex, Segment segment, boolean inputErrors) {
        super(vertex, inputErrors);
        this.segment = segment;
    }

    @Override
    public @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        setInputs(inputs, workspaces);
        return segment.forward(workspaces);
    }

    @Override
    public void clear() {
        super.clear();
        segment.clear();
    }
}
