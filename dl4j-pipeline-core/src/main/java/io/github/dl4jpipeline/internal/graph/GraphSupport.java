package io.github.dl4jpipeline.internal.graph;

import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;

/** Finds what keeps a graph from being trained in a pipeline, before training. */
public final class GraphSupport {
    private GraphSupport() {}

    /**
     * Checks an initialised graph.
     *
     * @throws UnsupportedGraphException if it cannot be trained in a pipeline
     */
    public static void require(ComputationGraph graph) {
        List<String> reasons = reasonsAgainst(graph);
        if (!reasons.isEmpty()) {
            throw new UnsupportedGraphException(reasons);
        }
    }

    /** Why a graph cannot be trained in a pipeline; empty if it can. */
    public static List<String> reasonsAgainst(ComputationGraph graph) {
        List<String> reasons = new ArrayList<>();
        ComputationGraphConfiguration configuration = graph.getConfiguration();
        if (Segments.isIn(graph)) {
            Segments.reasonAgainst(graph).ifPresent(reasons::add);
        }
        OptimizationAlgorithm algorithm = graph.conf().getOptimizationAlgo();
        if (algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
            reasons.add("it uses the solver " + algorithm
                    + ", which runs several passes a step; use STOCHASTIC_GRADIENT_DESCENT");
        }
        for (String output : configuration.getNetworkOutputs()) {
            if (!isOutputLayer(graph.getVertex(output))) {
                reasons.add("output '" + output
                        + "' is no output layer, so it has no loss; end it in an OutputLayer or a LossLayer");
            }
        }
        addUnlessCopyable(configuration, reasons);
        return reasons;
    }

    private static boolean isOutputLayer(GraphVertex vertex) {
        Layer layer = vertex.getLayer();
        return (layer instanceof FrozenLayerWithBackprop frozen ? frozen.getInsideLayer() : layer)
                instanceof IOutputLayer;
    }

    /** Each micro-batch in flight needs layer objects of its own, made from a copy of the configuration. */
    private static void addUnlessCopyable(ComputationGraphConfiguration configuration, List<String> reasons) {
        try {
            ComputationGraphConfiguration copy = ComputationGraphConfiguration.fromJson(configuration.toJson());
            configuration.getVertices().forEach((name, vertex) -> {
                if (!vertex.equals(copy.getVertices().get(name))) {
                    reasons.add("vertex '" + name + "' ("
                            + vertex.getClass().getSimpleName()
                            + ") is not the same after a round trip through JSON, so it cannot be copied for each"
                            + " micro-batch; give its configuration equals and Jackson annotations");
                }
            });
        } catch (RuntimeException e) {
            reasons.add("its configuration cannot be written to JSON and read back, so it cannot be copied for each"
                    + " micro-batch: " + e.getMessage());
        }
    }
}
