package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.Collection;
import java.util.function.IntPredicate;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;

/** Sets up the layers of a copy of a graph for micro-batches and stages. */
final class CopiedLayers {
    private CopiedLayers() {}

    /** The vertex at a position in topological order. */
    static GraphVertex vertexAt(ComputationGraph graph, int position) {
        return graph.getVertices()[graph.topologicalSortOrder()[position]];
    }

    /**
     * Sets where layers get their noise from, what they may overwrite, and what they keep.
     *
     * @param stageOf the stage of each vertex, by position
     * @param keepPreActivations whether Deeplearning4j's convolutions keep what their backward pass would compute again
     */
    static void prepare(
            ComputationGraph graph,
            VertexGraph vertices,
            int[] stageOf,
            NoiseSource noise,
            boolean keepPreActivations) {
        for (Vertex vertex : vertices.vertices()) {
            GraphVertex graphVertex = vertexAt(graph, vertex.position());
            if (!graphVertex.hasLayer()) {
                continue;
            }
            Layer layer = graphVertex.getLayer();
            Noise.replaceIn(layer.conf().getLayer(), vertex.name(), noise);
            int source = vertex.inputs().get(0);
            boolean onlyReader = vertices.consumers(source).size() == 1
                    && vertices.get(source).role() != Vertex.Role.INPUT;
            // Deeplearning4j lets the last of several readers overwrite its input, although the others need it in
            // their backward pass. Another stage's arrays are left alone, since a stage may read them twice.
            layer.allowInputModification(onlyReader
                    && stageOf[source] == stageOf[vertex.position()]
                    && Noise.keepsSigns(layer.conf().getLayer()));
            if (keepPreActivations && layer.getClass() == ConvolutionLayer.class) {
                layer.setCacheMode(CacheMode.DEVICE);
            }
        }
    }

    /** Leaves the outputs of some vertices as they are: those of the engine may be kept for its backward pass. */
    static void keepInputs(ComputationGraph graph, VertexGraph vertices, IntPredicate kept) {
        for (Vertex vertex : vertices.vertices()) {
            GraphVertex graphVertex = vertexAt(graph, vertex.position());
            if (graphVertex.hasLayer() && vertex.inputs().stream().anyMatch(kept::test)) {
                graphVertex.getLayer().allowInputModification(false);
            }
        }
    }

    /** Checks that no vertex that is run in tiles has a mask. */
    static void requireUnmasked(ComputationGraph graph, VertexGraph vertices, Collection<Integer> tiled) {
        for (int position : tiled) {
            GraphVertex vertex = vertexAt(graph, position);
            if (vertex.hasLayer() && vertex.getLayer().getMaskArray() != null) {
                throw new IllegalArgumentException(
                        "Vertex '" + vertices.get(position).name()
                                + "' is run in tiles and has a mask, which tiles do not support; train without tiling");
            }
        }
    }
}
