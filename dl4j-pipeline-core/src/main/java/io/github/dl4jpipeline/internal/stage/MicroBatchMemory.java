package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one micro-batch in flight: its arrays, what vertices put out and the errors that reach them. Here all stages
 * use the same memory, and one copy of the graph runs them all. Subclasses are for stages elsewhere.
 *
 * <p>Each method is called by the worker of the stage that it is about.
 */
public class MicroBatchMemory {
    private final String name;
    private final int[] stageOf;
    private final VertexGraph vertices;
    private final boolean workspaces;

    /** Where arrays are that the micro-batch brings, or that other stages send. */
    private final ActivationMemory input;

    private final ActivationMemory[] ofStage;

    /** By position. */
    private final @Nullable Value[] activations;

    private final @Nullable Value[] errors;

    /**
     * @param original an initialised graph
     * @param stageOf the stage of each vertex, by position
     * @param name a prefix of workspace names that no other copy of a graph in the process has
     */
    public MicroBatchMemory(ComputationGraph original, int[] stageOf, String name) {
        this.name = name;
        this.stageOf = stageOf.clone();
        this.vertices = VertexGraph.of(original);
        this.workspaces = original.getConfiguration().getTrainingWorkspaceMode() != WorkspaceMode.NONE;
        this.activations = new Value[vertices.size()];
        this.errors = new Value[vertices.size()];
        this.input = new ActivationMemory(name + "-input", workspaces);
        int stages = 1 + Arrays.stream(stageOf).max().orElse(0);
        this.ofStage = new ActivationMemory[stages];
        for (int stage = 0; stage < stages; stage++) {
            ofStage[stage] = new ActivationMemory(name + "-stage" + stage, workspaces);
        }
    }

    // ---- Where parameters are, and how arrays come to the stages ----

    /** A graph with layers of its own, whose parameters are where the stages run. */
    ComputationGraph copyOf(ComputationGraph original) {
        return GraphCopier.sharingParameters(original);
    }

    /** The micro-batch in arrays that the stages can read; called with {@link #input} open. */
    MicroBatch receive(MicroBatch next, boolean partOfBatch) {
        return partOfBatch ? next.copy() : next;
    }

    /** Gets the activations that the stages read of others, after {@link #receive}. */
    void receiveActivations(MicroBatch microBatch) {
        // they are here
    }

    /** An error from another stage than a vertex has, where it stays valid until the vertex's stage takes it. */
    Value errorForOther(int position, Value error, int fromStage) {
        return error.copy(ofStage[stageOf[position]]::copyOf);
    }

    /** Hands on the activations that other stages read, after the forward task that has computed them. */
    void sendActivations() {
        // they are there
    }

    /** Gets the errors of other stages, before the backward task that needs them. */
    void receiveErrors() {
        // they are here
    }

    /** Hands on errors for other stages, before the task ends that has computed them. */
    void sendErrors() {
        // they are there
    }

    /** Bytes reserved for a stage. */
    long bytes(int stage) {
        return ofStage[stage].bytes();
    }

    // ---- The same everywhere ----

    /** A prefix of workspace names. */
    String name() {
        return name;
    }

    /** Whether arrays live in workspaces; not so if the graph's configuration asks for none. */
    boolean usesWorkspaces() {
        return workspaces;
    }

    /** The graph whose arrays these are. */
    VertexGraph vertices() {
        return vertices;
    }

    int stageOf(int position) {
        return stageOf[position];
    }

    int[] stages() {
        return stageOf.clone();
    }

    /** Memory of what comes from elsewhere. */
    ActivationMemory input() {
        return input;
    }

    /** Memory of a stage's activations, and of errors that it is sent. */
    ActivationMemory ofStage(int stage) {
        return ofStage[stage];
    }

    /** What a vertex has put out, or null before; valid until its stage forgets the micro-batch. */
    @Nullable Value activation(int position) {
        return activations[position];
    }

    void setActivation(int position, @Nullable Value activation) {
        activations[position] = activation;
    }

    /** Copies what other stages read of a stage's activations into its memory, and forgets the others. */
    void keepSent(int stage, List<Integer> positions) {
        ActivationMemory memory = ofStage[stage];
        memory.open();
        memory.suspend();
        for (int position : positions) {
            Value activation = activations[position];
            boolean isSent = vertices.consumers(position).stream().anyMatch(reader -> stageOf[reader] != stage);
            if (vertices.get(position).role() != Vertex.Role.INPUT) {
                activations[position] = isSent && activation != null ? activation.copy(memory::copyOf) : null;
            }
        }
    }

    /** The error that has reached a vertex, which is forgotten; null if there is none. */
    @Nullable Value takeError(int position) {
        Value error = errors[position];
        errors[position] = null;
        return error;
    }

    /** Adds an error to those that a vertex has received. The first becomes the sum. */
    void addError(int position, Value error, int fromStage, Reorders reorders, Space space) {
        Value sum = errors[position];
        if (sum != null) {
            reorders.addTo(sum, error, space);
            errors[position] = sum.asSum();
        } else {
            errors[position] = stageOf[position] == fromStage ? error : errorForOther(position, error, fromStage);
        }
    }

    /** Forgets the arrays of some vertices. */
    void forget(List<Integer> positions) {
        for (int position : positions) {
            activations[position] = null;
            errors[position] = null;
        }
    }

    /** Ends the life of all arrays. */
    void end() {
        forgetAll();
        for (ActivationMemory memory : ofStage) {
            if (memory.isOpen()) {
                memory.close();
            }
        }
        input.close();
    }

    /** Forgets every array and frees the memory; the next micro-batch allocates anew. */
    void reset() {
        forgetAll();
        input.destroy();
        for (ActivationMemory memory : ofStage) {
            memory.destroy();
        }
    }

    private void forgetAll() {
        Arrays.fill(activations, null);
        Arrays.fill(errors, null);
    }
}
