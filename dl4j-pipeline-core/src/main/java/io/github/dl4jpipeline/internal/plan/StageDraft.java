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
 */
record StageDraft(List<VertexCost> costs, List<Device> devices, long crossingBytes, boolean recompute) {
    StageDraft with(List<VertexCost> others) {
        return new StageDraft(others, devices, crossingBytes, recompute);
    }

    /** The stage without predictions, as if it kept its activations. */
    Stage stage() {
        return Stage.of(devices, costs.stream().map(VertexCost::vertex).toList());
    }
}
