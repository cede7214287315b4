package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * The best partitions of a graph, for every number of devices of each kind.
 *
 * <p>Dynamic programming over the states of the antichain graph, from the end of the graph backward: for a state and
 * the devices that the stages after it use, the smallest possible bottleneck. A stage takes, per micro-batch, the
 * largest of its computation divided by its replicas and its transfers into and out of it, both ways. Going backward,
 * the number of workers after a stage is known. It decides how many micro-batches the stage has in flight, so the
 * stage's memory is exact. Replicas of one stage are devices of one group.
 *
 * <p>Unlike the original, which adds up gradients after every micro-batch, replicas do so once a step.
 *
 * <p>O(states² · u · d) time, O(states · u) memory, for {@code d} devices, which can be used in {@code u} ways: {@code d + 1}
 * if they are all alike, otherwise the product over their groups.
 */
public final class PartitionSolver {
    private record Choice(int next, int group, int replicas) {}

    private final CutPlaces places;
    private final PartitionRequest request;
    private final PlaceSums sums;
    private final DeviceUses uses;
    private final double[][] best;
    private final Choice[][] choices;
    private final int last;

    PartitionSolver(CutPlaces places, PartitionRequest request) {
        this.places = places;
        this.request = request;
        this.sums = new PlaceSums(places, request);
        this.uses = new DeviceUses(request.groups());
        this.last = places.size() - 1;
        this.best = new double[places.size()][];
        this.choices = new Choice[places.size()][];
        run(best, choices, Double.POSITIVE_INFINITY, false);
    }

    /** The ways to use devices: for each group, how many of it. */
    public List<List<Integer>> uses() {
        return uses.all();
    }

    /**
     * A partition with the smallest bottleneck that uses exactly these devices.
     *
     * @param use for each group, how many of its devices
     * @return empty if there is none, because of too few vertices, too little memory, or the numbers of replicas allowed
     */
    public Optional<Partition> partition(List<Integer> use) {
        int index = uses.index(use);
        return Double.isInfinite(best[0][index]) ? Optional.empty() : Optional.of(follow(choices, index));
    }

    /** Of the partitions with the smallest bottleneck, one that sends least. It takes as long as solving. */
    public Optional<Partition> partitionWithLeastTraffic(List<Integer> use) {
        int index = uses.index(use);
        double bottleneck = best[0][index];
        if (Double.isInfinite(bottleneck)) {
            return Optional.empty();
        }
        Choice[][] ofLeastTraffic = new Choice[places.size()][];
        run(new double[places.size()][], ofLeastTraffic, bottleneck, true);
        return Optional.of(follow(ofLeastTraffic, index));
    }

    /** The stages from the first on. */
    private Partition follow(Choice[][] made, int use) {
        int index = use;
        List<Partition.Part> parts = new ArrayList<>();
        int from = 0;
        while (from != last) {
            Choice choice = made[from][index];
            parts.add(part(from, choice));
            index = uses.less(index, choice.group(), choice.replicas());
            from = choice.next();
        }
        return new Partition(parts, best[0][use]);
    }

    private Partition.Part part(int from, Choice choice) {
        return new Partition.Part(
                places.between(from, choice.next()),
                choice.group(),
                choice.replicas(),
                Math.round(sums.crossingBytes[choice.next()]));
    }

    /**
     * Fills the tables.
     *
     * @param limit stages and links must not take longer
     * @param leastTraffic whether to minimise the bytes sent rather than the bottleneck
     */
    private void run(double[][] value, Choice[][] choices, double limit, boolean leastTraffic) {
        for (int from = last; from >= 0; from--) {
            value[from] = new double[uses.count()];
            choices[from] = new Choice[uses.count()];
            Arrays.fill(value[from], Double.POSITIVE_INFINITY);
            if (from == last) {
                value[from][0] = 0;
                continue;
            }
            BitSet ends = places.after(from);
            for (int to = ends.nextSetBit(0); to >= 0; to = ends.nextSetBit(to + 1)) {
                for (int group = 0; group < request.groups().size(); group++) {
                    for (int replicas = 1;
                            replicas <= request.groups().get(group).count();
                            replicas++) {
                        if (request.rules().replicas().test(replicas)) {
                            relax(value, choices, from, new Choice(to, group, replicas), limit, leastTraffic);
                        }
                    }
                }
            }
        }
    }

    /** Improves what is known for a state by one choice of its first stage. */
    private void relax(
            double[][] value, Choice[][] choices, int from, Choice choice, double limit, boolean leastTraffic) {
        double keeping = millis(from, choice, false);
        if (keeping > limit) {
            return;
        }
        double sent = from == 0 ? 0 : sums.crossingBytes[from];
        double[] rest = value[choice.next()];
        for (int use = 0; use < uses.count(); use++) {
            if (Double.isInfinite(rest[use]) || !uses.hasLeft(use, choice.group(), choice.replicas())) {
                continue;
            }
            double cost = keeping;
            int with = uses.more(use, choice.group(), choice.replicas());
            if (leastTraffic ? sent + rest[use] >= value[from][with] : Math.max(cost, rest[use]) >= value[from][with]) {
                continue;
            }
            if (!fits(from, choice, uses.total(use), false)) {
                if (!request.rules().recompute() || !fits(from, choice, uses.total(use), true)) {
                    continue;
                }
                cost = millis(from, choice, true);
                if (cost > limit) {
                    continue;
                }
            }
            double total = leastTraffic ? sent + rest[use] : Math.max(cost, rest[use]);
            if (total < value[from][with]) {
                value[from][with] = total;
                choices[from][with] = choice;
            }
        }
    }

    /** Time per micro-batch of a stage and the links at its ends. */
    private double millis(int from, Choice choice, boolean recompute) {
        int end = choice.next();
        int replicas = choice.replicas();
        double again = recompute ? sums.forwardMillis[end] - sums.forwardMillis[from] : 0;
        double own = Math.max(1, (double) request.microBatches() / replicas);
        double later = (sums.laterMillis[end] - sums.laterMillis[from]) * (own - 1) / own;
        double compute = Math.max(0, sums.millis[end] - sums.millis[from] + later + again)
                / request.groups().get(choice.group()).speed();
        double weights = sums.gradientBytes[end] - sums.gradientBytes[from];
        double sync = request.links().syncMillis(weights, replicas) / request.microBatches();
        double in = from == 0 ? 0 : sums.crossingBytes[from];
        double links = request.links().bothWaysMillis(Math.max(in, sums.crossingBytes[end]), replicas);
        return Math.max(compute / replicas + sync, links);
    }

    private boolean fits(int from, Choice choice, int workersAfter, boolean recompute) {
        int end = choice.next();
        int inFlight = request.rules().inFlight().applyAsInt(choice.replicas(), workersAfter);
        double fixed = sums.fixedBytes[end] - sums.fixedBytes[from];
        double activations = sums.activationBytes[end] - sums.activationBytes[from];
        double bytes = fixed + (recompute ? activations + sums.crossingBytes[end] * inFlight : activations * inFlight);
        return bytes <= request.groups().get(choice.group()).memoryBytes();
    }
}
