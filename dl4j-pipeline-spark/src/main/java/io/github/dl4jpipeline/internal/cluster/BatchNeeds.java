package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;

/**
 * What one worker reads of a batch. Of every other array it only needs the shape.
 *
 * @param features the network inputs, by number
 * @param labels the network outputs, by number
 * @param replica it runs the micro-batches of this replica of its stage
 * @param replicas of its stage
 */
record BatchNeeds(Set<Integer> features, Set<Integer> labels, int replica, int replicas) implements Serializable {

    /** Those of each worker of a plan. */
    static List<BatchNeeds> of(VertexGraph vertices, ComputationGraphConfiguration configuration, PartitionPlan plan) {
        List<BatchNeeds> workers = new ArrayList<>();
        for (Stage stage : plan.stages()) {
            Set<String> own = new HashSet<>(stage.vertices());
            Set<Integer> features = new HashSet<>();
            Set<Integer> labels = new HashSet<>();
            for (Vertex vertex : vertices.vertices()) {
                boolean isOwn = own.contains(vertex.name());
                boolean isRead = isOwn
                        || vertices.consumers(vertex.position()).stream()
                                .anyMatch(position ->
                                        own.contains(vertices.get(position).name()));
                if (vertex.role() == Vertex.Role.INPUT && isRead) {
                    features.add(configuration.getNetworkInputs().indexOf(vertex.name()));
                } else if (vertex.role() == Vertex.Role.OUTPUT && isOwn) {
                    labels.add(configuration.getNetworkOutputs().indexOf(vertex.name()));
                }
            }
            // Segments of sequences may be split in another way than the batch, so every replica gets all examples.
            boolean all = Sequences.areCut(configuration);
            for (int replica = 0; replica < stage.replicas(); replica++) {
                workers.add(new BatchNeeds(
                        Set.copyOf(features), Set.copyOf(labels), all ? 0 : replica, all ? 1 : stage.replicas()));
            }
        }
        return workers;
    }
}
