package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.gradient.Gradient;
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
public final class StageRunner {
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
    public StageRunner(int stage, List<Integer> positions, StageScratch scratch, boolean recompute) {
        this.stage = stage;
        this.positions = List.copyOf(positions);
        this.scratch = scratch;
        this.recompute = recompute;
    }

    /** Its vertices, in topological order. */
    List<Integer> positions() {
        return positions;
    }

    /** The same stage with other working memory. */
    public StageRunner with(StageScratch other) {
        return new StageRunner(stage, positions, other, recompute);
    }

    /** Runs the stage forward. What is kept of the activations stays in the copy's memory until the last task. */
    public void forward(GraphCopy copy, VertexObserver observer) {
        forward(copy, activations(copy), true, observer);
        if (recompute) {
            copy.keepSent(stage, positions);
            scratch.activations.close();
        }
        copy.memory().sendActivations();
    }

    /** Runs the stage forward as for inference. The activations stay in the copy's memory until {@link #forget}. */
    public void infer(GraphCopy copy, VertexObserver observer) {
        forward(copy, copy.memory().ofStage(stage), false, observer);
    }

    private void forward(GraphCopy copy, ActivationMemory memory, boolean training, VertexObserver observer) {
        LayerWorkspaceMgr workspaces = forwardWorkspaces(copy, memory);
        scratch.enter();
        memory.open();
        try {
            for (int position : copy.run(positions)) {
                observer.begin(position);
                Value activation = forward(copy, position, training, workspaces);
                if (activation != null) {
                    copy.memory().setActivation(position, activation);
                    observer.forwardDone(
                            position,
                            activation.bytes(),
                            () -> scratch.reorders.activation(activation, new Space(workspaces)));
                }
            }
        } finally {
            memory.suspend();
        }
    }

    private @Nullable Value forward(GraphCopy copy, int position, boolean training, LayerWorkspaceMgr workspaces) {
        Vertex vertex = copy.vertex(position);
        if (vertex.role() == Vertex.Role.INPUT) {
            INDArray feature = copy.feature(position);
            return feature == null ? null : Value.of(feature);
        }
        Value[] inputs = copy.inputs(position).stream().map(copy::activation).toArray(Value[]::new);
        copy.noise().seedForMicroBatch(vertex.name());
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
            return copy.runner(position).forward(inputs, training, workspaces, scratch.reorders);
        }
    }

    /** Ends the life of the stage's activations. */
    public void forget(GraphCopy copy) {
        copy.clear(positions);
        copy.memory().ofStage(stage).close();
    }

    /**
     * Runs the stage backward, and ends the life of its activations. The gradients are in the arrays that
     * {@link GraphCopy#bindGradients} has set.
     *
     * @param regularization the graph's regularization term, added to the first output's score; 0 to leave it out
     */
    public BackwardResult backward(GraphCopy copy, double regularization, VertexObserver observer) {
        BackwardResult result = backward(copy, regularization, false, observer);
        forget(copy);
        return result;
    }

    /**
     * The same, but for parameter gradients that can wait, which are left to {@link #weights}. Activations live until
     * {@link GraphCopy#end}: those that the gradients of other stages follow from are among them. A stage that computes its
     * activations again has no more of them then, so it leaves nothing.
     */
    public BackwardResult backwardWithoutWeights(GraphCopy copy, double regularization, VertexObserver observer) {
        return backward(copy, regularization, !recompute, observer);
    }

    /**
     * Computes the parameter gradients that the backward task has left.
     *
     * @return by position, as {@link BackwardResult#gradients}
     */
    public Map<Integer, Gradient> weights(GraphCopy copy, VertexObserver observer) {
        Map<Integer, Gradient> gradients = new TreeMap<>();
        ActivationMemory memory = activations(copy);
        LayerWorkspaceMgr workspaces = backwardWorkspaces(copy, memory);
        memory.enter();
        scratch.enter();
        for (int position : copy.run(positions)) {
            if (copy.vertex(position).runsBackward()) {
                observer.begin(position);
                Gradient gradient = weights(copy.runner(position), workspaces);
                if (gradient != null) {
                    gradients.put(position, gradient);
                    observer.weightsDone(position);
                }
            }
        }
        copy.clear(positions);
        return gradients;
    }

    private static @Nullable Gradient weights(VertexRunner runner, LayerWorkspaceMgr workspaces) {
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            return runner.postponedGradient(workspaces);
        }
    }

    private BackwardResult backward(GraphCopy copy, double regularization, boolean postpone, VertexObserver observer) {
        copy.memory().receiveErrors();
        ActivationMemory memory = activations(copy);
        if (recompute) {
            forward(copy, memory, true, position -> observer.begin(position));
        }
        LayerWorkspaceMgr workspaces = backwardWorkspaces(copy, memory);
        BackwardResult result = new BackwardResult(new TreeMap<>(), new ArrayList<>(), new TreeMap<>());
        List<Integer> run = copy.run(positions);
        reserve(copy, run);
        memory.enter();
        scratch.enter();
        scratch.errors.open();
        try {
            for (int i = run.size() - 1; i >= 0; i--) {
                int position = run.get(i);
                if (copy.vertex(position).runsBackward()) {
                    observer.begin(position);
                    copy.runner(position).postponeGradient(postpone);
                    backward(copy, position, workspaces, regularization, result);
                    observer.backwardDone(position);
                }
            }
            copy.memory().sendErrors();
        } finally {
            scratch.errors.close();
        }
        if (recompute) {
            scratch.activations.close();
        }
        return result;
    }

    /** Gives a vertex of another stage an error that this one has computed. */
    void hand(GraphCopy copy, int position, Value error) {
        copy.memory().addError(position, error, stage, scratch.reorders, new Space(TaskWorkspaces.none()));
    }

    /** When gradients are added for the first time. */
    private void reserve(GraphCopy copy, List<Integer> run) {
        if (reserved || !copy.usesWorkspaces()) {
            return;
        }
        long most = 0;
        for (int position : run) {
            most = Math.max(most, copy.runner(position).elementsToAdd());
        }
        if (most > 0) {
            scratch.reserve(copy.parameterType(), most);
            reserved = true;
        }
    }

    private void backward(
            GraphCopy copy, int position, LayerWorkspaceMgr workspaces, double regularization, BackwardResult result) {
        Vertex vertex = copy.vertex(position);
        VertexRunner runner = copy.runner(position);
        if (runner instanceof OutputRunner output) {
            output.setLabels(copy.label(position));
        }
        copy.noise().seedForMicroBatch(vertex.name());
        @Nullable Value[] errors;
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            errors = runner.backward(copy.memory().takeError(position), workspaces, scratch.reorders);
        }
        for (int i = 0; i < errors.length; i++) {
            int input = copy.inputs(position).get(i);
            if (errors[i] != null && copy.vertex(input).runsBackward()) {
                copy.memory().addError(input, errors[i], stage, scratch.reorders, new Space(workspaces));
            }
        }
        runner.addResults(position, copy.isPartOfBatch(), result);
        if (runner instanceof OutputRunner output) {
            double term = copy.isFirstOutput(position) ? regularization : 0;
            result.scores()
                    .add(output.score(copy.labelMask(position), term, forwardWorkspaces(copy, activations(copy))));
        }
    }

    /** Where the activations of a training pass are. */
    private ActivationMemory activations(GraphCopy copy) {
        return recompute ? scratch.activations : copy.memory().ofStage(stage);
    }

    private LayerWorkspaceMgr backwardWorkspaces(GraphCopy copy, ActivationMemory memory) {
        return copy.usesWorkspaces() ? TaskWorkspaces.backward(memory, scratch) : TaskWorkspaces.none();
    }

    private LayerWorkspaceMgr forwardWorkspaces(GraphCopy copy, ActivationMemory memory) {
        return copy.usesWorkspaces() ? TaskWorkspaces.forward(memory, scratch) : TaskWorkspaces.none();
    }
}
