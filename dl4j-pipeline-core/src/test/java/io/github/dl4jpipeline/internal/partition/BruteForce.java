package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Tries every assignment of vertices to stages along which activations flow forward, with all replicas and devices. */
final class BruteForce {
    private final PartitionRequest request;
    private final List<List<Integer>> inputs;
    private final Map<List<Integer>, Double> best = new HashMap<>();

    BruteForce(PartitionRequest request, List<List<Integer>> inputs) {
        this.request = request;
        this.inputs = inputs;
        int devices = request.groups().stream().mapToInt(DeviceGroup::count).sum();
        for (int stages = 1; stages <= Math.min(devices, inputs.size()); stages++) {
            assign(new int[inputs.size()], 0, stages);
        }
    }

    /** The smallest bottleneck with exactly these devices of each group; infinite for none. */
    double best(List<Integer> use) {
        return best.getOrDefault(use, Double.POSITIVE_INFINITY);
    }

    private void assign(int[] stageOf, int vertex, int stages) {
        if (vertex == stageOf.length) {
            if (Arrays.stream(stageOf).distinct().count() == stages) {
                place(stageOf, stages, stages - 1, new int[request.groups().size()], 0);
            }
            return;
        }
        int earliest = inputs.get(vertex).stream()
                .mapToInt(input -> stageOf[input])
                .max()
                .orElse(0);
        for (int stage = earliest; stage < stages; stage++) {
            stageOf[vertex] = stage;
            assign(stageOf, vertex + 1, stages);
        }
    }

    /** Gives devices to a stage, when those after it have theirs. */
    private void place(int[] stageOf, int stages, int stage, int[] used, double bottleneck) {
        if (stage < 0) {
            best.merge(Arrays.stream(used).boxed().toList(), bottleneck, Math::min);
            return;
        }
        int after = Arrays.stream(used).sum();
        for (int group = 0; group < used.length; group++) {
            DeviceGroup devices = request.groups().get(group);
            for (int replicas = 1; used[group] + replicas <= devices.count(); replicas++) {
                boolean keeps = fits(stageOf, stages, stage, devices, replicas, after, false);
                if (request.rules().replicas().test(replicas)
                        && (keeps
                                || (request.rules().recompute()
                                        && fits(stageOf, stages, stage, devices, replicas, after, true)))) {
                    used[group] += replicas;
                    double cost = cost(stageOf, stages, stage, devices, replicas, !keeps);
                    place(stageOf, stages, stage - 1, used, Math.max(bottleneck, cost));
                    used[group] -= replicas;
                }
            }
        }
    }

    private double cost(int[] stageOf, int stages, int stage, DeviceGroup devices, int replicas, boolean recompute) {
        double millis = 0;
        double weights = 0;
        for (int vertex = 0; vertex < stageOf.length; vertex++) {
            if (stageOf[vertex] == stage) {
                VertexCost cost = request.costs().get(vertex);
                millis += recompute ? cost.millis() + cost.forwardMillis() : cost.millis();
                weights += request.costs().get(vertex).gradientBytes();
            }
        }
        double sync =
                request.links().syncMillisPerByte() * weights * (replicas - 1) / replicas / request.microBatches();
        double in = stage == 0
                ? 0
                : 2 * crossing(stageOf, stage - 1) / (request.links().bytesPerMilli() * replicas);
        double out = stage == stages - 1
                ? 0
                : 2 * crossing(stageOf, stage) / (request.links().bytesPerMilli() * replicas);
        return Math.max(millis / devices.speed() / replicas + sync, Math.max(in, out));
    }

    private double crossing(int[] stageOf, int cut) {
        double bytes = 0;
        for (int vertex = 0; vertex < stageOf.length; vertex++) {
            boolean read = false;
            for (int reader = 0; reader < stageOf.length; reader++) {
                read |= stageOf[reader] > cut && inputs.get(reader).contains(vertex);
            }
            if (stageOf[vertex] <= cut && read) {
                bytes += request.costs().get(vertex).activationBytes();
            }
        }
        return bytes;
    }

    private boolean fits(
            int[] stageOf, int stages, int stage, DeviceGroup devices, int replicas, int after, boolean recompute) {
        int inFlight = request.rules().inFlight().applyAsInt(replicas, after);
        double bytes = recompute && stage < stages - 1 ? crossing(stageOf, stage) * inFlight : 0;
        for (int vertex = 0; vertex < stageOf.length; vertex++) {
            if (stageOf[vertex] == stage) {
                VertexCost cost = request.costs().get(vertex);
                bytes += cost.parameterBytes() + cost.gradientBytes() + cost.apartBytes() + cost.updaterBytes();
                bytes += (double) cost.activationBytes() * (recompute ? 1 : inFlight);
            }
        }
        return bytes <= devices.memoryBytes();
    }
}
