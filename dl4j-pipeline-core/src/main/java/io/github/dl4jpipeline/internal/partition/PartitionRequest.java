package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.function.IntBinaryOperator;
import java.util.function.IntPredicate;

/**
 * What a graph is to be cut for.
 *
 * @param costs of the vertices for one micro-batch, in topological order
 * @param groups the devices
 * @param bytesPerMilli bandwidth of each device's link; infinite where devices share memory
 * @param syncMillisPerByte time of adding up gradients over replicas, once a step, for each byte of them
 * @param microBatches number of micro-batches of a step
 * @param replicas which numbers of replicas a stage may have
 * @param inFlight gives the micro-batches that each replica of a stage has in flight, from the number of replicas and
 *     of workers after the stage; the schedule decides it
 * @param recompute whether a stage whose activations do not fit into memory may compute them again in backward tasks
 */
public record PartitionRequest(
        List<VertexCost> costs,
        List<DeviceGroup> groups,
        double bytesPerMilli,
        double syncMillisPerByte,
        int microBatches,
        IntPredicate replicas,
        IntBinaryOperator inFlight,
        boolean recompute) {

    public PartitionRequest {
        costs = List.copyOf(costs);
        groups = List.copyOf(groups);
    }
}
