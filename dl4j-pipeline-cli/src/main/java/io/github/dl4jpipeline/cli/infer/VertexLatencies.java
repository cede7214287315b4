package io.github.dl4jpipeline.cli.infer;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs a network vertex by vertex, and takes the time of each; memory is kept from run to run. */
final class VertexLatencies {
    private static final WorkspaceConfiguration MEMORY = WorkspaceConfiguration.builder()
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .policySpill(SpillPolicy.REALLOCATE)
            .build();

    private final ComputationGraph graph;
    private final INDArray images;
    private final LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.builder()
            .noWorkspaceFor(ArrayType.INPUT)
            .with(ArrayType.ACTIVATIONS, "VERTEX_ACTIVATIONS", MEMORY)
            .with(ArrayType.FF_WORKING_MEM, "VERTEX_WORKING_MEMORY", MEMORY)
            .with(ArrayType.RNN_FF_LOOP_WORKING_MEM, "VERTEX_LOOP_MEMORY", MEMORY)
            .build();
    private final Map<String, Latencies> latencies = new LinkedHashMap<>();

    /**
     * Takes no time yet.
     *
     * @param graph with one input, prepared for inference
     */
    VertexLatencies(ComputationGraph graph, INDArray images) {
        this.graph = graph;
        this.images = images;
    }

    void run(boolean counts) {
        graph.setInputs(images); // vertices ask for the batch's size
        GraphVertex[] vertices = graph.getVertices();
        INDArray[] activations = new INDArray[vertices.length];
        try (MemoryWorkspace ignored = workspaces.notifyScopeEntered(ArrayType.ACTIVATIONS)) {
            for (int index : graph.topologicalSortOrder()) {
                GraphVertex vertex = vertices[index];
                if (vertex.isInputVertex()) {
                    activations[index] = images;
                    continue;
                }
                long start = System.nanoTime();
                INDArray[] inputs = Stream.of(vertex.getInputVertices())
                        .map(input -> activations[input.getVertexIndex()])
                        .toArray(INDArray[]::new);
                for (int i = 0; i < inputs.length; i++) {
                    vertex.setInput(i, inputs[i], workspaces);
                }
                try (MemoryWorkspace working = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                    activations[index] = vertex.doForward(false, workspaces);
                }
                if (counts) {
                    latencies
                            .computeIfAbsent(vertex.getVertexName(), name -> new Latencies())
                            .add(System.nanoTime() - start);
                }
            }
            graph.clear();
        }
    }

    /** The shortest time of each vertex in milliseconds, in the order in which they run. */
    Map<String, Double> minMillis() {
        Map<String, Double> millis = new LinkedHashMap<>();
        latencies.forEach((name, times) -> millis.put(name, times.minMillis()));
        return millis;
    }
}
