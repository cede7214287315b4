package io.github.dl4jpipeline.internal.graph;

import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * A vertex whose result for one example depends on the other examples of the batch, so that its batch must not be split
 * into micro-batches. Of Deeplearning4j's classes it is known which do; of others it is assumed, unless the user vouches
 * for them.
 *
 * @param vertex its name
 * @param reason what couples the examples, as a clause
 * @param remedy what the user can do about it, as a clause; empty for nothing
 * @param batchNorm whether it is a batch normalization, whose statistics micro-batches that run together can join
 */
public record ExampleCoupling(String vertex, String reason, String remedy, boolean batchNorm) {

    /**
     * The coupling vertices of an initialised graph, in topological order.
     *
     * @param vouched classes that treat examples independently, as the user says
     */
    public static List<ExampleCoupling> in(
            ComputationGraph graph, BatchNormStatistics batchNorm, Set<Class<?>> vouched) {
        VertexGraph dag = VertexGraph.of(graph);
        List<RowLayout.Mixing> mixing = RowLayout.mixing(dag, graph.getConfiguration());
        List<ExampleCoupling> found = new ArrayList<>();
        for (Vertex vertex : dag.vertices()) {
            GraphVertex conf = graph.getConfiguration().getVertices().get(vertex.name());
            if (conf == null) {
                continue; // a network input
            }
            boolean frozen = vertex.role() == Vertex.Role.FROZEN;
            for (Object part : ConfigurationParts.of(configurations(graph, vertex, conf))) {
                of(vertex.name(), part, frozen, batchNorm, vouched).ifPresent(found::add);
            }
            mixing.stream()
                    .filter(mixed -> mixed.vertex().equals(vertex.name()))
                    .flatMap(mixed -> of(mixed, vouched).stream())
                    .forEach(found::add);
        }
        return found;
    }

    /** A layer that was frozen by a call has another configuration than its vertex. */
    private static List<Object> configurations(ComputationGraph graph, Vertex vertex, GraphVertex conf) {
        return conf instanceof LayerVertex
                ? List.of(conf, graph.getLayer(vertex.name()).conf().getLayer())
                : List.of(conf);
    }

    private static Optional<ExampleCoupling> of(
            String vertex, Object part, boolean frozen, BatchNormStatistics batchNorm, Set<Class<?>> vouched) {
        if (part.getClass() == BatchNormalization.class) {
            return frozen || batchNorm == BatchNormStatistics.PER_MICRO_BATCH
                    ? Optional.empty()
                    : Optional.of(batchNormalization(vertex));
        }
        if (frozen && part instanceof ILossFunction) {
            return Optional.empty(); // a frozen layer only runs forward
        }
        String known = KnownClasses.COUPLED.get(part.getClass());
        if (known != null) {
            return certain(vertex, known);
        }
        if (acrossExamples(part)) {
            return certain(vertex, part.getClass().getSimpleName() + " works along the dimension of the examples");
        }
        if (KnownClasses.INDEPENDENT.contains(part.getClass()) || vouched.contains(part.getClass())) {
            return Optional.empty();
        }
        return part.getClass() == TimeDistributed.class
                ? uncertain(
                        vertex,
                        "a time-distributed layer lays a mask out across the examples of the batch",
                        "if there are no masks",
                        part)
                : uncertain(
                        vertex,
                        "it is not known whether " + part.getClass().getName() + " treats examples independently",
                        "if it does",
                        part);
    }

    private static Optional<ExampleCoupling> of(RowLayout.Mixing mixed, Set<Class<?>> vouched) {
        if (mixed.certain()) {
            return certain(mixed.vertex(), mixed.reason());
        }
        return vouched.contains(mixed.part().getClass())
                ? Optional.empty()
                : uncertain(mixed.vertex(), mixed.reason(), "if it treats examples independently", mixed.part());
    }

    private static Optional<ExampleCoupling> certain(String vertex, String reason) {
        return Optional.of(new ExampleCoupling(vertex, reason, "", false));
    }

    private static Optional<ExampleCoupling> uncertain(String vertex, String reason, String condition, Object part) {
        String remedy = condition + ", say so with exampleIndependent("
                + part.getClass().getSimpleName() + ".class)";
        return Optional.of(new ExampleCoupling(vertex, reason, remedy, false));
    }

    private static ExampleCoupling batchNormalization(String vertex) {
        return new ExampleCoupling(
                vertex,
                "batch normalization takes its statistics over the whole batch",
                "as many replicas as micro-batches join them, batchNorm(PER_MICRO_BATCH) lifts that with another result",
                true);
    }

    /** Whether a part is set to work along the dimension that counts examples. */
    private static boolean acrossExamples(Object part) {
        if (part instanceof L2NormalizeVertex normalize) {
            return containsExamples(normalize.getDimension());
        } else if (part instanceof GlobalPoolingLayer pooling) {
            return containsExamples(pooling.getPoolingDimensions());
        } else if (part instanceof MergeVertex merge) {
            return containsExamples(merge.getMergeAxis());
        } else if (part instanceof PermutePreprocessor permute) {
            int[] order = permute.getPermutationIndices(); // with dimension 0, or without it
            return order.length > 0 && order[0] != 0 && Arrays.stream(order).anyMatch(dimension -> dimension == 0);
        }
        return false;
    }

    /** Dimension -1 is the last one. Which one -2 is depends on the array. */
    private static boolean containsExamples(int... dimensions) {
        return dimensions != null && Arrays.stream(dimensions).anyMatch(dimension -> dimension == 0 || dimension < -1);
    }
}
