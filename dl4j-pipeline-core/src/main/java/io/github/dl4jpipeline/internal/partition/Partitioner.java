package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Cuts graphs into stages, with replicas and on unequal devices, so that the slowest stage or link is as fast as possible
 * [from Narayanan et al., SOSP 2019; Ju et al., J. BUAA 50(9), 2024]; see {@link PartitionSolver}.
 *
 * <p>The optimum is over all cuts for which no activation flows backward. Graphs with many parallel branches and very
 * long graphs have too many of these, so not all are tried; {@link #simplification()} then says so.
 */
public final class Partitioner {
    /** Enough for all states of any graph of 10 vertices. */
    private static final int MOST_STATES = 1_024;

    /** Solving takes states² · devices² steps. */
    private static final int MOST_STATES_TIMES_DEVICES = 11_200;

    private final AntichainGraph graph;
    private final CutPlaces places;
    private final int kept;

    /**
     * @param costs the vertices in topological order; inputs that are not among them, such as network inputs, are there
     *     from the start
     * @param devices number of devices that there will be
     * @param inOneStage names of vertices between which no cut is made
     */
    public Partitioner(List<VertexCost> costs, int devices, Set<String> inOneStage) {
        Map<String, Integer> indexOf = new HashMap<>();
        List<List<Integer>> inputs = new ArrayList<>();
        for (VertexCost cost : costs) {
            inputs.add(cost.inputs().stream()
                    .filter(indexOf::containsKey)
                    .map(indexOf::get)
                    .distinct()
                    .toList());
            indexOf.put(cost.vertex(), indexOf.size());
        }
        int most = Math.max(100, Math.min(MOST_STATES, MOST_STATES_TIMES_DEVICES / devices));
        graph = new AntichainGraph(inputs, most);
        BitSet together = new BitSet();
        inOneStage.stream().filter(indexOf::containsKey).forEach(vertex -> together.set(indexOf.get(vertex)));
        List<Integer> states = keep(costs, most);
        kept = states.size();
        places = new CutPlaces(
                graph,
                states.stream()
                        .filter(state -> !divides(graph.states().get(state).members(), together))
                        .toList());
    }

    private static boolean divides(BitSet before, BitSet together) {
        BitSet first = (BitSet) together.clone();
        first.and(before);
        return !first.isEmpty() && !first.equals(together);
    }

    /** The states to use: all, or those that differ by at least a share of the whole time from the one before. */
    private List<Integer> keep(List<VertexCost> costs, int most) {
        int count = graph.states().size();
        if (count <= most) {
            return IntStream.range(0, count).boxed().toList();
        }
        double[] millis = graph.states().stream()
                .mapToDouble(state -> state.members().stream()
                        .mapToDouble(vertex -> costs.get(vertex).millis())
                        .sum())
                .toArray();
        double step = millis[count - 1] / most;
        List<Integer> states = new ArrayList<>();
        double last = Double.NEGATIVE_INFINITY;
        for (int state = 0; state < count; state++) {
            if (state == count - 1 || Math.abs(millis[state] - last) >= step) {
                states.add(state);
                last = millis[state];
            }
        }
        return states;
    }

    /** What has been left out to bound the search, as a sentence for the user; empty for nothing. */
    public String simplification() {
        List<String> parts = new ArrayList<>();
        if (graph.simplifiedRegions() > 0) {
            parts.add(
                    "between the branches of " + graph.simplifiedRegions()
                            + " parts of the graph only cuts along its topological order were tried, because there are too many");
        }
        if (kept < graph.states().size()) {
            parts.add(kept + " of " + graph.states().size() + " places to cut were tried");
        }
        return String.join("; ", parts);
    }

    /** Solves a request for these vertices. */
    public PartitionSolver solve(PartitionRequest request) {
        return new PartitionSolver(places, request);
    }
}
