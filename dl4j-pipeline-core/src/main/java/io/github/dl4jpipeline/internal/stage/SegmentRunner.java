package io.github.dl4jpipeline.internal.stage;

import java.util.function.Supplier;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A recurrent layer in truncated back-propagation through time: it goes on where the segment before has ended. Deeplearning4j's backward
 * pass begins at zero all the same, as if there had been no segment before, and so does this one.
 */
final class SegmentRunner extends VertexRunner {
    private final GraphVertex vertex;
    private final RecurrentLayer layer;
    private final int position;
    private final Supplier<MicroBatch> microBatch;

    /** @param microBatch the present one */
    SegmentRunner(GraphVertex vertex, RecurrentLayer layer, boolean inputErrors, Supplier<MicroBatch> microBatch) {
        super(vertex, inputErrors);
        this.vertex = vertex;
        this.layer = layer;
        this.position = vertex.getVertexIndex();
        this.microBatch = microBatch;
    }

    @Override
    public @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        MicroBatch present = microBatch.get();
        RecurrentStates states = present.states();
        setInputs(inputs, workspaces);
        if (states != null) {
            layer.rnnClearPreviousState();
            layer.rnnSetPreviousState(states.atBegin(position, present.range()));
            layer.rnnSetTBPTTState(states.atBegin(position, present.range()));
        }
        INDArray output = layer.rnnActivateUsingStoredState(vertex.getLayer().input(), true, true, workspaces);
        if (states != null) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                states.keep(position, present.range(), layer.rnnGetTBPTTState());
            }
        }
        return output;
    }

    @Override
    public void clear() {
        super.clear();
        layer.rnnClearPreviousState();
    }
}
