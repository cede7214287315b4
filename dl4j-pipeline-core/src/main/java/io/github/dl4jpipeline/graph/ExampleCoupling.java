package io.github.dl4jpipeline.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;

/**
 * A vertex whose result for one example depends on the other examples of the batch, so that its batch must not be split
 * into micro-batches.
 *
 * @param vertex its name
 * @param reason what couples the examples, as a clause
 * @param remedy what the user can do about it, as a clause; empty for nothing
 * @param certain false where it depends on the user's code or data whether examples are coupled
 */
public record ExampleCoupling(String vertex, String reason, String remedy, boolean certain) {

    /** The coupling vertices of an initialised graph, in topological order. */
    public static List<ExampleCoupling> in(ComputationGraph graph, BatchNormStatistics batchNorm) {
        VertexGraph dag = VertexGraph.of(graph);
        ComputationGraphConfiguration configuration = graph.getConfiguration();
        List<ExampleCoupling> found = new ArrayList<>();
        for (Vertex vertex : dag.vertices()) {
            GraphVertex conf = configuration.getVertices().get(vertex.name());
            if (conf == null || vertex.role() == Vertex.Role.FROZEN) {
                continue; // a network input, or never trained
            }
            Optional<ExampleCoupling> coupling = conf instanceof LayerVertex layerVertex
                    ? ofLayer(vertex.name(), graph.getLayer(vertex.name()), layerVertex, batchNorm)
                    : ofVertex(vertex, conf, dag, configuration);
            coupling.ifPresent(found::add);
        }
        return found;
    }

    private static Optional<ExampleCoupling> ofLayer(
            String name, Layer layer, LayerVertex vertex, BatchNormStatistics batchNorm) {
        if (vertex.getPreProcessor() != null && isForeign(vertex.getPreProcessor())) {
            return unknown(name, vertex.getPreProcessor());
        }
        return ofLayer(name, layer.conf().getLayer(), batchNorm);
    }

    private static Optional<ExampleCoupling> ofLayer(
            String name, org.deeplearning4j.nn.conf.layers.Layer conf, BatchNormStatistics batchNorm) {
        if (conf instanceof TimeDistributed) {
            return Optional.of(new ExampleCoupling(
                    name,
                    "a time-distributed layer lays a mask out across the examples of the batch",
                    "set microBatches if there are no masks",
                    false));
        }
        if (conf instanceof BaseWrapperLayer wrapper) {
            return ofLayer(name, wrapper.getUnderlying(), batchNorm);
        }
        if (conf instanceof FrozenLayerWithBackprop wrapper) {
            return ofLayer(name, wrapper.getUnderlying(), batchNorm);
        }
        if (conf instanceof FrozenLayer wrapper) {
            return ofLayer(name, wrapper.getLayer(), batchNorm);
        }
        if (conf instanceof Bidirectional wrapper) {
            return ofLayer(name, wrapper.getFwd(), batchNorm);
        }
        if (conf instanceof BatchNormalization) {
            return batchNorm == BatchNormStatistics.FULL_BATCH
                    ? Optional.of(new ExampleCoupling(
                            name,
                            "batch normalization takes its statistics over the whole batch",
                            "as many replicas as micro-batches join them, batchNorm(PER_MICRO_BATCH) lifts that with another"
                                    + " result",
                            true))
                    : Optional.empty();
        }
        if (conf instanceof CenterLossOutputLayer) {
            return known(name, "center loss moves class centers by the mean over the whole batch");
        }
        if (conf instanceof OCNNOutputLayer) {
            return known(name, "the one-class loss takes a quantile over the whole batch");
        }
        ILossFunction loss = lossOf(conf);
        if (loss instanceof LossFMeasure) {
            return known(name, "the F-measure is computed over the whole batch");
        }
        if (loss != null && !loss.getClass().getName().startsWith("org.nd4j.")) {
            return unknown(name, loss);
        }
        return isForeign(conf) ? unknown(name, conf) : Optional.empty();
    }

    private static Optional<ExampleCoupling> ofVertex(
            Vertex vertex, GraphVertex conf, VertexGraph dag, ComputationGraphConfiguration configuration) {
        if (conf instanceof UnstackVertex) {
            boolean stackedBefore = dag.asJGraphT().getAncestors(vertex.position()).stream()
                    .anyMatch(ancestor ->
                            configuration.getVertices().get(dag.get(ancestor).name()) instanceof StackVertex);
            return stackedBefore
                    ? Optional.empty()
                    : known(vertex.name(), "it takes apart a batch that was stacked outside of the graph");
        }
        return isForeign(conf) ? unknown(vertex.name(), conf) : Optional.empty();
    }

    private static ILossFunction lossOf(org.deeplearning4j.nn.conf.layers.Layer conf) {
        if (conf instanceof BaseOutputLayer output) {
            return output.getLossFn();
        } else if (conf instanceof LossLayer output) {
            return output.getLossFn();
        } else if (conf instanceof RnnLossLayer output) {
            return output.getLossFn();
        } else if (conf instanceof CnnLossLayer output) {
            return output.getLossFn();
        } else if (conf instanceof Cnn3DLossLayer output) {
            return output.getLossFn();
        }
        return null;
    }

    private static boolean isForeign(Object part) {
        return !part.getClass().getName().startsWith("org.deeplearning4j.nn.");
    }

    private static Optional<ExampleCoupling> known(String vertex, String reason) {
        return Optional.of(new ExampleCoupling(vertex, reason, "", true));
    }

    private static Optional<ExampleCoupling> unknown(String vertex, Object part) {
        return Optional.of(new ExampleCoupling(
                vertex,
                "it is not known whether " + part.getClass().getName() + " treats examples independently",
                "set microBatches if it does",
                false));
    }
}
