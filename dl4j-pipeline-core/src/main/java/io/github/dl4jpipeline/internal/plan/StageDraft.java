package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;

/**
 * A stage before anything is predicted for it.
 *
 * @param costs its vertices, with costs for one micro-batch
 * @param devices of its replicas
 * @param crossingBytes what crosses the cut after it
 * @param recompute whether its activations are computed again in any case
 * @param group its last vertices, if several micro-batches run them as one
 */
record StageDraft(List<VertexCost> costs, List<Device> devices, long crossingBytes, boolean recompute, Group group) {
    /**
     * Vertices that several micro-batches run as one.
     *
     * @param size how many micro-batches; 1 if each runs them alone
     * @param costs for all of them; empty if each runs them alone
     */
    record Group(int size, List<VertexCost> costs) {
        static final Group NONE = new Group(1, List.of());

        private boolean has(VertexCost cost) {
            return costs.stream().anyMatch(own -> own.vertex().equals(cost.vertex()));
        }
    }

    /** Each micro-batch runs all vertices alone. */
    StageDraft(List<VertexCost> costs, List<Device> devices, long crossingBytes, boolean recompute) {
        this(costs, devices, crossingBytes, recompute, Group.NONE);
    }

    StageDraft grouping(Group other) {
        return new StageDraft(costs, devices, crossingBytes, recompute, other);
    }

    /** Costs of the vertices that a micro-batch runs alone. */
    List<VertexCost> alone() {
        return costs.stream().filter(cost -> !group.has(cost)).toList();
    }

    /** The stage without predictions, as if it kept its activations. */
    Stage stage() {
        return Stage.of(devices, costs.stream().map(VertexCost::vertex).toList())
                .grouping(group.size());
    }
}
