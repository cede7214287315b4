package io.github.dl4jpipeline.internal.graph;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * The vertices at the end of a graph that several micro-batches can run as one: dense layers and outputs, which take a row of each
 * example, and what lies between them.
 */
public final class GroupableLayers {
    private static final Set<Class<?>> KINDS =
            Set.of(DenseLayer.class, OutputLayer.class, LossLayer.class, ActivationLayer.class, DropoutLayer.class);

    /** With fewer parameters, reading them once for each micro-batch costs little. */
    private static final long LEAST_PARAMETERS = 1 << 20;

    private GroupableLayers() {}

    /** Their positions, from the first that has parameters on; empty if there are none. */
    public static List<Integer> positions(ComputationGraph graph) {
        VertexGraph vertices = VertexGraph.of(graph);
        Deque<Integer> positions = new ArrayDeque<>();
        for (int position = vertices.size() - 1; position >= 0 && isOne(graph, vertices.get(position)); position--) {
            positions.addFirst(position);
        }
        while (!positions.isEmpty() && vertices.get(positions.peekFirst()).parameters() == 0) {
            positions.removeFirst();
        }
        return List.copyOf(positions);
    }

    /** Their names; empty also if they have so few parameters that there is nothing to gain. */
    public static Set<String> worthGrouping(ComputationGraph graph) {
        VertexGraph vertices = VertexGraph.of(graph);
        List<Vertex> all = positions(graph).stream().map(vertices::get).toList();
        return all.stream().mapToLong(Vertex::parameters).sum() < LEAST_PARAMETERS
                ? Set.of()
                : all.stream().map(Vertex::name).collect(Collectors.toSet());
    }

    private static boolean isOne(ComputationGraph graph, Vertex vertex) {
        GraphVertex conf = graph.getConfiguration().getVertices().get(vertex.name());
        if (!vertex.runsBackward() || !(conf instanceof LayerVertex layer)) {
            return false;
        }
        boolean ofRows = layer.getPreProcessor() == null
                || layer.getPreProcessor().getClass() == CnnToFeedForwardPreProcessor.class;
        return ofRows && KINDS.contains(layer.getLayerConf().getLayer().getClass());
    }
}
