package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Tries every assignment of vertices to stages along which activations flow forward, with all replicas and devices. */
final class BruteForce {
    private final PartitionRequest request;
    private final List<List<Integer>> inputs;
    private final int[][] readers;

    /** By how many devices of each group are used, as {@link #indexOf} counts. */
    private final double[] best;

    BruteForce(PartitionRequest request, List<List<Integer>> inputs) {
        this.request = request;
        this.inputs = inputs;
        readers = IntStream.range(0, inputs.size())
                .mapToObj(vertex -> IntStream.range(0, inputs.size())
                        .filter(reader -> inputs.get(reader).contains(vertex))
                        .toArray())
                .toArray(int[][]::new);
        int[] all = request.groups().stream().mapToInt(DeviceGroup::count).toArray();
        best = new double[indexOf(all) + 1];
        Arrays.fill(best, Double.POSITIVE_INFINITY);
        int devices = Arrays.stream(all).sum();
        for (int stages = 1; stages <= Math.min(devices, inputs.size()); stages++) {
            assign(new int[inputs.size()], 0, 0, stages);
        }
    }

    /** The smallest bottleneck with exactly these devices of each group; infinite for none. */
    double best(List<Integer> use) {
        return best[indexOf(use.stream().mapToInt(Integer::intValue).toArray())];
    }

    private int indexOf(int[] used) {
        int index = 0;
        for (int group = 0; group < used.length; group++) {
            index = index * (request.groups().get(group).count() + 1) + used[group];
        }
        return index;
    }

    /** Assigns a vertex and those after it. {@code taken} has a bit for each stage that those before are in. */
    private void assign(int[] stageOf, int vertex, int taken, int stages) {
        if (vertex == stageOf.length) {
            if (Integer.bitCount(taken) == stages) {
                place(stageOf, stages, stages - 1, new int[request.groups().size()], 0);
            }
            return;
        }
        int earliest = 0;
        for (int input : inputs.get(vertex)) {
            earliest = Math.max(earliest, stageOf[input]);
        }
        for (int stage = earliest; stage < stages; stage++) {
            stageOf[vertex] = stage;
            assign(stageOf, vertex + 1, taken | 1 << stage, stages);
        }
    }

    /** Gives devices to a stage, when those after it have theirs. */
    private void place(int[] stageOf, int stages, int stage, int[] used, double bottleneck) {
        if (stage < 0) {
            int index = indexOf(used);
            best[index] = Math.min(best[index], bottleneck);
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
        double own = Math.max(1, (double) request.microBatches() / replicas);
        for (int vertex = 0; vertex < stageOf.length; vertex++) {
            if (stageOf[vertex] == stage) {
                VertexCost cost = request.costs().get(vertex);
                millis += recompute ? cost.millis() + cost.forwardMillis() : cost.millis();
                millis += cost.laterMillis(request.addMillisPerByte()) * (own - 1) / own;
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
            if (stageOf[vertex] <= cut && isReadAfter(stageOf, vertex, cut)) {
                bytes += request.costs().get(vertex).activationBytes();
            }
        }
        return bytes;
    }

    private boolean isReadAfter(int[] stageOf, int vertex, int cut) {
        for (int reader : readers[vertex]) {
            if (stageOf[reader] > cut) {
                return true;
            }
        }
        return false;
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
