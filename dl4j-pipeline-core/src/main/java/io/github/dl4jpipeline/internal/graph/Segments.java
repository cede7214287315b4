package io.github.dl4jpipeline.internal.graph;

import java.util.Arrays;
import java.util.Optional;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.recurrent.BidirectionalLayer;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Truncated back-propagation through time: sequences are trained in segments, and recurrent layers carry states between them. */
public final class Segments {
    private static final Logger log = LoggerFactory.getLogger(Segments.class);

    private Segments() {}

    /** Whether a graph is trained so. */
    public static boolean isIn(ComputationGraph graph) {
        return graph.getConfiguration().getBackpropType() == BackpropType.TruncatedBPTT;
    }

    /** Whether Deeplearning4j's networks, unlike its graphs, train with a batch. They leave others out with a warning, as this does. */
    public static boolean suitNetwork(INDArray features, INDArray labels) {
        boolean suit = features.rank() == 3 && labels.rank() == 3 && features.size(2) == labels.size(2);
        if (!suit) {
            log.warn(
                    "The batch is left out: truncated backpropagation through time of a MultiLayerNetwork needs features and labels"
                            + " of shape [examples, size, steps] with as many steps, got {} and {}",
                    Arrays.toString(features.shape()),
                    Arrays.toString(labels.shape()));
        }
        return suit;
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
