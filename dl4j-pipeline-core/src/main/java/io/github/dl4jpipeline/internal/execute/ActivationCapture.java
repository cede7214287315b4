package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Collects the activations of every vertex and micro-batch, for listeners that want to see them. */
final class ActivationCapture {
    private final VertexGraph vertices;
    private final INDArray[][] parts;

    ActivationCapture(VertexGraph vertices, int microBatches) {
        this.vertices = vertices;
        this.parts = new INDArray[vertices.size()][microBatches];
    }

    /** Takes a copy on the host. Each pair of position and micro-batch comes from one thread. */
    void add(int position, int microBatch, INDArray copy) {
        parts[position][microBatch] = copy;
    }

    /** The activations of the whole batch, by vertex name. */
    Map<String, INDArray> join() {
        Map<String, INDArray> joined = new HashMap<>();
        for (Vertex vertex : vertices.vertices()) {
            INDArray[] ofVertex = parts[vertex.position()];
            if (ofVertex[0] != null) {
                joined.put(vertex.name(), ofVertex.length == 1 ? ofVertex[0] : Nd4j.concat(0, ofVertex));
            }
        }
        return joined;
    }
}
