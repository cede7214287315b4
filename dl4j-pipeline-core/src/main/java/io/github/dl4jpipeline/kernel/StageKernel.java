package io.github.dl4jpipeline.kernel;

import io.github.dl4jpipeline.graph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs the vertices of one stage with Deeplearning4j's own layer code, one task at a time.
 *
 * <p>What passes between vertices, and in which order errors are added up, is as in {@code ComputationGraph.fit}.
 */
public final class StageKernel {
    private final int stage;
    private final List<Integer> positions;
    private final StageScratch scratch;

    /**
     * @param stage its number
     * @param positions its vertices, in topological order
     * @param scratch working memory that no other stage uses
     */
    public StageKernel(int stage, List<Integer> positions, StageScratch scratch) {
        this.stage = stage;
        this.positions = List.copyOf(positions);
        this.scratch = scratch;
    }

    /**
     * What a backward task leaves.
     *
     * @param gradients of each vertex, by position: views of the arrays bound with {@link GraphReplica#bindGradient}
     * @param scores of the network outputs in the stage
     * @param moments of the input of each batch normalization, by position; only those of part of a batch
     */
    public record BackwardResult(
            Map<Integer, Gradient> gradients, List<OutputScore> scores, Map<Integer, Moments> moments) {}

    /** Runs the stage forward. The activations stay in the replica's memory until the backward task. */
    public void forward(GraphReplica replica, VertexObserver observer) {
        ActivationMemory memory = replica.memory(stage);
        LayerWorkspaceMgr workspaces =
                replica.usesWorkspaces() ? TaskWorkspaces.forward(memory, scratch) : TaskWorkspaces.none();
        scratch.enter();
        memory.open();
        try {
            for (int position : positions) {
                observer.begin(position);
                INDArray activation = forward(replica, position, workspaces);
                if (activation != null) {
                    replica.setActivation(position, activation);
                    observer.forwardDone(position, activation);
                }
            }
        } finally {
            memory.suspend();
        }
    }

    private INDArray forward(GraphReplica replica, int position, LayerWorkspaceMgr workspaces) {
        GraphVertex vertex = replica.vertex(position);
        Vertex description = replica.describe(position);
        if (description.role() == Vertex.Role.INPUT) {
            return replica.microBatch().features()[vertex.getVertexIndex()];
        }
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
            for (int i = 0; i < description.inputs().size(); i++) {
                vertex.setInput(i, replica.activation(description.inputs().get(i)), workspaces);
            }
            if (description.role() == Vertex.Role.OUTPUT) {
                return null; // output layers compute what they need from their input in the backward pass
            }
            replica.noise().seedForMicroBatch(description.name());
            return vertex.doForward(true, workspaces);
        }
    }

    /**
     * Runs the stage backward, and ends the life of its activations. The gradients are in the views that
     * {@link GraphReplica#bindGradient} has set.
     *
     * @param regularization the graph's regularization term, added to the first output's score; 0 to leave it out
     */
    public BackwardResult backward(GraphReplica replica, double regularization, VertexObserver observer) {
        ActivationMemory memory = replica.memory(stage);
        boolean inWorkspaces = replica.usesWorkspaces();
        LayerWorkspaceMgr workspaces = inWorkspaces ? TaskWorkspaces.backward(memory, scratch) : TaskWorkspaces.none();
        LayerWorkspaceMgr forScore = inWorkspaces ? TaskWorkspaces.forward(memory, scratch) : TaskWorkspaces.none();
        Map<Integer, Gradient> gradients = new TreeMap<>();
        List<OutputScore> scores = new ArrayList<>();
        Map<Integer, Moments> moments = new TreeMap<>();
        memory.enter();
        scratch.enter();
        scratch.errors.open();
        try {
            for (int position : positions) {
                replica.vertex(position).setEpsilon(replica.takeError(position));
            }
            for (int i = positions.size() - 1; i >= 0; i--) {
                int position = positions.get(i);
                if (replica.describe(position).runsBackward()) {
                    observer.begin(position);
                    Gradient gradient = backward(replica, position, workspaces);
                    if (gradient != null) {
                        gradients.put(position, gradient);
                    }
                    if (replica.isPartOfBatch()
                            && replica.vertex(position).getLayer() instanceof BatchNormalization layer) {
                        moments.put(position, Moments.ofInput(layer));
                    }
                    if (replica.describe(position).role() == Vertex.Role.OUTPUT) {
                        scores.add(score(replica, position, regularization, forScore));
                    }
                    observer.backwardDone(position);
                }
            }
        } finally {
            scratch.errors.close();
        }
        replica.clear(positions);
        memory.close();
        return new BackwardResult(gradients, scores, moments);
    }

    private Gradient backward(GraphReplica replica, int position, LayerWorkspaceMgr workspaces) {
        GraphVertex vertex = replica.vertex(position);
        Vertex description = replica.describe(position);
        if (description.role() == Vertex.Role.OUTPUT) {
            outputLayer(vertex).setLabels(replica.microBatch().labels()[replica.outputIndex(description)]);
        }
        replica.noise().seedForMicroBatch(description.name());
        Pair<Gradient, INDArray[]> result;
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            result = vertex.doBackward(false, workspaces);
        }
        INDArray[] errors = result.getSecond();
        for (int i = 0; i < description.inputs().size(); i++) {
            int input = description.inputs().get(i);
            // Embeddings, for one, have no error for their input.
            if (errors != null && errors[i] != null && replica.describe(input).runsBackward()) {
                passError(replica, input, errors[i]);
            }
        }
        return result.getFirst();
    }

    private void passError(GraphReplica replica, int position, INDArray error) {
        if (replica.stageOf(position) != stage) {
            replica.sendError(position, error);
            return;
        }
        GraphVertex vertex = replica.vertex(position);
        INDArray sum = vertex.getEpsilon();
        vertex.setEpsilon(sum == null ? error : sum.addi(error));
    }

    private OutputScore score(GraphReplica replica, int position, double regularization, LayerWorkspaceMgr workspaces) {
        GraphVertex vertex = replica.vertex(position);
        int output = replica.outputIndex(replica.describe(position));
        INDArray[] labelMasks = replica.microBatch().labelMasks();
        Layer layer = (Layer) outputLayer(vertex);
        if (vertex instanceof LayerVertex layerVertex && !layerVertex.isSetLayerInput()) {
            layerVertex.applyPreprocessorAndSetInput(workspaces);
        }
        layer.setMaskArray(labelMasks == null ? null : labelMasks[output]);
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
            double score = ((IOutputLayer) layer).computeScore(output == 0 ? regularization : 0, true, workspaces);
            return new OutputScore(
                    score, layer instanceof BaseOutputLayer && !layer.conf().isMiniBatch());
        }
    }

    private static IOutputLayer outputLayer(GraphVertex vertex) {
        Layer layer = vertex.getLayer();
        return (IOutputLayer) (layer instanceof FrozenLayerWithBackprop frozen ? frozen.getInsideLayer() : layer);
    }
}
