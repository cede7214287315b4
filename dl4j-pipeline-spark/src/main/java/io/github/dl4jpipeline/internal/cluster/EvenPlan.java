package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.List;

/** Plans that cut the topological order into stages with about as many layers each. Used where there is no profile. */
public final class EvenPlan {
    private EvenPlan() {}

    /**
     * A plan.
     *
     * @throws IllegalArgumentException if the graph has fewer vertices than stages
     */
    public static PartitionPlan of(VertexGraph vertices, int stages, int replicas, int microBatches) {
        List<List<String>> names = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            names.add(new ArrayList<>());
        }
        long inputs = vertices.vertices().stream()
                .filter(vertex -> vertex.role() == Vertex.Role.INPUT)
                .count();
        long others = vertices.size() - inputs;
        if (stages > others) {
            throw new IllegalArgumentException("stages(" + stages + "): cannot cut " + others + " vertices into "
                    + stages + " stages; ask for " + others + " or fewer");
        }
        long counted = 0;
        for (Vertex vertex : vertices.vertices()) {
            boolean input = vertex.role() == Vertex.Role.INPUT;
            names.get(input ? 0 : (int) (counted * stages / others)).add(vertex.name());
            counted += input ? 0 : 1;
        }
        List<Stage> planned = new ArrayList<>();
        for (int stage = 0; stage < stages; stage++) {
            List<Device> devices = new ArrayList<>();
            for (int replica = 0; replica < replicas; replica++) {
                devices.add(new Device(
                        "worker-" + (stage * replicas + replica), Device.Kind.CPU, List.of(0), Long.MAX_VALUE, 1));
            }
            planned.add(Stage.of(devices, names.get(stage)));
        }
        return PartitionPlan.of(planned, microBatches);
    }
}
