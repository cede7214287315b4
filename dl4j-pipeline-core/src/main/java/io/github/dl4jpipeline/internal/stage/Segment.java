package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.CarriedState;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A recurrent layer in truncated back-propagation through time: it goes on where the segment before has ended. Deeplearning4j's backward
 * pass begins at zero all the same, as if there had been no segment before, and so does this one.
 */
final class Segment implements CarriedState {
    private final GraphVertex vertex;
    private final RecurrentLayer layer;
    private final int position;
    private final Supplier<MicroBatch> microBatch;

    /** @param microBatch the present one */
    Segment(GraphVertex vertex, RecurrentLayer layer, Supplier<MicroBatch> microBatch) {
        this.vertex = vertex;
        this.layer = layer;
        this.position = vertex.getVertexIndex();
        this.microBatch = microBatch;
    }

    /** Whether the present micro-batch is one of a segment. */
    boolean isPresent() {
        return microBatch.get().states() != null;
    }

    private RecurrentStates states() {
        return Objects.requireNonNull(microBatch.get().states(), "no segment");
    }

    @Override
    public Map<String, INDArray> atBegin() {
        return states().atBegin(position, microBatch.get().range());
    }

    @Override
    public void keep(Map<String, INDArray> atEnd) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            states().keep(position, microBatch.get().range(), atEnd);
        }
    }

    /** The forward pass by the layer, whose inputs are set. */
    INDArray forward(LayerWorkspaceMgr workspaces) {
        if (isPresent()) {
            layer.rnnClearPreviousState();
            layer.rnnSetPreviousState(atBegin());
            layer.rnnSetTBPTTState(atBegin());
        }
        INDArray output = layer.rnnActivateUsingStoredState(vertex.getLayer().input(), true, true, workspaces);
        if (isPresent()) {
            keep(layer.rnnGetTBPTTState());
        }
        return output;
    }

    /** Forgets what the layer carries. */
    void clear() {
        layer.rnnClearPreviousState();
    }
}
