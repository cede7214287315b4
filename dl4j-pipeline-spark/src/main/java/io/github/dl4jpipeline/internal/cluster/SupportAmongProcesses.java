package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.internal.graph.GraphSupport;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.FrozenLayer;

/** Finds what keeps a graph from being trained by workers in several processes, before training. */
public final class SupportAmongProcesses {
    private SupportAmongProcesses() {}

    /**
     * Checks an initialised graph.
     *
     * @throws UnsupportedGraphException if it cannot be trained so
     */
    public static void require(ComputationGraph graph) {
        List<String> reasons = new ArrayList<>(GraphSupport.reasonsAgainst(graph));
        if (graph.params() == null || graph.params().length() == 0) {
            reasons.add("it has no parameters, so there is nothing to train");
        }
        graph.getConfiguration().getVertices().forEach((name, vertex) -> {
            if (isFrozenByCall(graph, name, vertex)) {
                reasons.add("layer '" + name
                        + "' was frozen by a call, which its configuration does not tell; freeze it with"
                        + " TransferLearning or FrozenLayer in the configuration");
            }
        });
        if (!reasons.isEmpty()) {
            throw new UnsupportedGraphException(reasons);
        }
        GraphCopier.requireParametersOfLayers(graph);
    }

    private static boolean isFrozenByCall(ComputationGraph graph, String name, GraphVertex vertex) {
        return vertex instanceof LayerVertex layer
                && graph.getLayer(name) instanceof FrozenLayer
                && !(layer.getLayerConf().getLayer() instanceof org.deeplearning4j.nn.conf.layers.misc.FrozenLayer);
    }
}
