package io.github.dl4jpipeline.kernel;

import io.github.dl4jpipeline.graph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs the vertices of one stage, one task at a time.
 *
 * <p>What passes between vertices, and in which order errors are added up, is as in {@code ComputationGraph.fit}.
 */
public final class StageKernel {
    private final int stage;
    private final List<Integer> positions;
    private final StageScratch scratch;
    private final boolean recompute;
    private boolean reserved;

    /**
     * @param stage its number
     * @param positions its vertices, in topological order
     * @param scratch working memory that no other stage uses
     * @param recompute whether a backward task computes the activations again, so that of those of the forward task only
     *     what other stages read is kept
     */
    public StageKernel(int stage, List<Integer> positions, StageScratch scratch, boolean recompute) {
        this.stage = stage;
        this.positions = List.copyOf(positions);
        this.scratch = scratch;
        this.recompute = recompute;
    }

    /**
     * What a backward task leaves.
     *
     * @param gradients of each vertex, by position: views of the arrays bound with {@link GraphReplica#bindGradients}
     * @param scores of the network outputs in the stage
     * @param moments of the input of each batch normalization, by position; only those of part of a batch
     */
    public record BackwardResult(
            Map<Integer, Gradient> gradients, List<OutputScore> scores, Map<Integer, Moments> moments) {}

    /** Runs the stage forward. What is kept of the activations stays in the replica's memory until the last task. */
    public void forward(GraphReplica replica, VertexObserver observer) {
        forward(replica, activations(replica), true, observer);
        if (recompute) {
            replica.keepSent(stage, positions);
            scratch.activations.close();
        }
    }

    /** Runs the stage forward as for inference. The activations stay in the replica's memory until {@link #forget}. */
    public void infer(GraphReplica replica, VertexObserver observer) {
        forward(replica, replica.memory(stage), false, observer);
    }

    private void forward(GraphReplica replica, ActivationMemory memory, boolean training, VertexObserver observer) {
        LayerWorkspaceMgr workspaces = forwardWorkspaces(replica, memory);
        scratch.enter();
        memory.open();
        try {
            for (int position : replica.run(positions)) {
                observer.begin(position);
                INDArray activation = forward(replica, position, training, workspaces);
                if (activation != null) {
                    replica.setActivation(position, activation);
                    observer.forwardDone(position, activation);
                }
            }
        } finally {
            memory.suspend();
        }
    }

    private static @Nullable INDArray forward(
            GraphReplica replica, int position, boolean training, LayerWorkspaceMgr workspaces) {
        Vertex vertex = replica.vertex(position);
        if (vertex.role() == Vertex.Role.INPUT) {
            return replica.feature(position);
        }
        INDArray[] inputs =
                replica.inputs(position).stream().map(replica::activation).toArray(INDArray[]::new);
        replica.noise().seedForMicroBatch(vertex.name());
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
            VertexKernel kernel = replica.kernel(position);
            return training ? kernel.forward(inputs, workspaces) : kernel.infer(inputs, workspaces);
        }
    }

    /** Ends the life of the stage's activations. */
    public void forget(GraphReplica replica) {
        replica.clear(positions);
        replica.memory(stage).close();
    }

    /**
     * Runs the stage backward, and ends the life of its activations. The gradients are in the arrays that
     * {@link GraphReplica#bindGradients} has set.
     *
     * @param regularization the graph's regularization term, added to the first output's score; 0 to leave it out
     */
    public BackwardResult backward(GraphReplica replica, double regularization, VertexObserver observer) {
        BackwardResult result = backward(replica, regularization, false, observer);
        forget(replica);
        return result;
    }

    /**
     * The same, but for parameter gradients that can wait, which are left to {@link #weights}. Activations live until
     * {@link GraphReplica#end}: those that the gradients of other stages follow from are among them. A stage that computes its
     * activations again has no more of them then, so it leaves nothing.
     */
    public BackwardResult backwardWithoutWeights(GraphReplica replica, double regularization, VertexObserver observer) {
        return backward(replica, regularization, !recompute, observer);
    }

    /**
     * Computes the parameter gradients that the backward task has left.
     *
     * @return by position, as {@link BackwardResult#gradients}
     */
    public Map<Integer, Gradient> weights(GraphReplica replica, VertexObserver observer) {
        Map<Integer, Gradient> gradients = new TreeMap<>();
        ActivationMemory memory = activations(replica);
        LayerWorkspaceMgr workspaces = backwardWorkspaces(replica, memory);
        memory.enter();
        scratch.enter();
        for (int position : replica.run(positions)) {
            if (replica.vertex(position).runsBackward()) {
                observer.begin(position);
                Gradient gradient = weights(replica.kernel(position), workspaces);
                if (gradient != null) {
                    gradients.put(position, gradient);
                    observer.weightsDone(position);
                }
            }
        }
        replica.clear(positions);
        return gradients;
    }

    private static @Nullable Gradient weights(VertexKernel kernel, LayerWorkspaceMgr workspaces) {
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            return kernel.postponedGradient(workspaces);
        }
    }

    private BackwardResult backward(
            GraphReplica replica, double regularization, boolean postpone, VertexObserver observer) {
        ActivationMemory memory = activations(replica);
        if (recompute) {
            forward(replica, memory, true, position -> observer.begin(position));
        }
        LayerWorkspaceMgr workspaces = backwardWorkspaces(replica, memory);
        BackwardResult result = new BackwardResult(new TreeMap<>(), new ArrayList<>(), new TreeMap<>());
        List<Integer> run = replica.run(positions);
        reserve(replica, run);
        memory.enter();
        scratch.enter();
        scratch.errors.open();
        try {
            for (int i = run.size() - 1; i >= 0; i--) {
                int position = run.get(i);
                if (replica.vertex(position).runsBackward()) {
                    observer.begin(position);
                    replica.kernel(position).postponeGradient(postpone);
                    backward(replica, position, workspaces, regularization, result);
                    observer.backwardDone(position);
                }
            }
            replica.sendErrors();
        } finally {
            scratch.errors.close();
        }
        if (recompute) {
            scratch.activations.close();
        }
        return result;
    }

    /** When gradients are added for the first time. */
    private void reserve(GraphReplica replica, List<Integer> run) {
        if (reserved || !replica.usesWorkspaces()) {
            return;
        }
        long most = 0;
        for (int position : run) {
            most = Math.max(most, replica.kernel(position).elementsToAdd());
        }
        if (most > 0) {
            scratch.reserve(replica.parameterType(), most);
            reserved = true;
        }
    }

    private void backward(
            GraphReplica replica,
            int position,
            LayerWorkspaceMgr workspaces,
            double regularization,
            BackwardResult result) {
        Vertex vertex = replica.vertex(position);
        VertexKernel kernel = replica.kernel(position);
        if (kernel instanceof OutputKernel output) {
            output.setLabels(replica.label(position));
        }
        replica.noise().seedForMicroBatch(vertex.name());
        @Nullable INDArray[] errors;
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            errors = kernel.backward(replica.takeError(position), workspaces);
        }
        for (int i = 0; i < errors.length; i++) {
            int input = replica.inputs(position).get(i);
            if (errors[i] != null && replica.vertex(input).runsBackward()) {
                replica.addError(input, errors[i], stage);
            }
        }
        if (kernel instanceof TiledKernel tiled) {
            result.gradients().putAll(tiled.gradients());
            result.moments().putAll(tiled.moments());
            return;
        }
        Gradient gradient = kernel.gradient();
        if (gradient != null) {
            result.gradients().put(position, gradient);
        }
        if (kernel instanceof OutputKernel output) {
            double term = replica.isFirstOutput(position) ? regularization : 0;
            result.scores()
                    .add(output.score(
                            replica.labelMask(position), term, forwardWorkspaces(replica, activations(replica))));
        }
        if (replica.isPartOfBatch() && replica.layer(position) instanceof BatchNormalization layer) {
            result.moments().put(position, Moments.ofInput(layer));
        }
    }

    /** Where the activations of a training pass are. */
    private ActivationMemory activations(GraphReplica replica) {
        return recompute ? scratch.activations : replica.memory(stage);
    }

    private LayerWorkspaceMgr backwardWorkspaces(GraphReplica replica, ActivationMemory memory) {
        return replica.usesWorkspaces() ? TaskWorkspaces.backward(memory, scratch) : TaskWorkspaces.none();
    }

    private LayerWorkspaceMgr forwardWorkspaces(GraphReplica replica, ActivationMemory memory) {
        return replica.usesWorkspaces() ? TaskWorkspaces.forward(memory, scratch) : TaskWorkspaces.none();
    }
}
