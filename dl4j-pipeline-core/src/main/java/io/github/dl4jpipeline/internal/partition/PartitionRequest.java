package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;

/**
 * What a graph is to be cut for.
 *
 * @param costs of the vertices for one micro-batch, in topological order
 * @param groups the devices
 * @param links between the devices
 * @param addMillisPerByte time of adding the gradients of a micro-batch to those of others
 * @param microBatches number of micro-batches of a step
 * @param rules what stages may be like
 */
public record PartitionRequest(
        List<VertexCost> costs,
        List<DeviceGroup> groups,
        LinkTimes links,
        double addMillisPerByte,
        int microBatches,
        StageRules rules) {

    public PartitionRequest {
        costs = List.copyOf(costs);
        groups = List.copyOf(groups);
    }
}
