package io.github.dl4jpipeline.internal.graph;

import java.util.Optional;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.recurrent.BidirectionalLayer;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;

/** Truncated back-propagation through time: sequences are trained in segments, and recurrent layers carry states between them. */
public final class Segments {
    private Segments() {}

    /** Whether a graph is trained so. */
    public static boolean isIn(ComputationGraph graph) {
        return graph.getConfiguration().getBackpropType() == BackpropType.TruncatedBPTT;
    }

    /** The first vertex that cannot be trained so, not by Deeplearning4j either, with the reason as a clause; empty for none. */
    static Optional<String> reasonAgainst(ComputationGraph graph) {
        for (GraphVertex vertex : graph.getVertices()) {
            Layer layer = vertex.getLayer();
            if (layer instanceof BidirectionalLayer
                    || (layer instanceof BaseWrapperLayer wrapper
                            && wrapper.getUnderlying() instanceof RecurrentLayer)) {
                return Optional.of(
                        "it uses truncated backpropagation through time, and layer '" + vertex.getVertexName()
                                + "' (" + layer.getClass().getSimpleName()
                                + ") carries no state from one segment to the next; use BackpropType.Standard");
            }
        }
        return Optional.empty();
    }
}
