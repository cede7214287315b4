package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;

/**
 * The places where a graph can be cut, and which of them lie before which [from Narayanan et al., SOSP 2019, whose
 * optimizer this follows; Ju et al., J. BUAA 50(9), 2024].
 *
 * <p>A state is a set of vertices that holds all predecessors of its members. It is given by an antichain: its last
 * vertices. The augmented antichain adds the members that a vertex outside reads as well, so it is what crosses the cut,
 * skip connections included. A stage is the difference of two states of which one contains the other.
 *
 * <p>A chain of {@code n} vertices has {@code n} states besides the empty one, parallel branches have as many as the
 * product of their lengths. The number is bounded. The graph is divided into regions where it narrows to one vertex.
 * A region with more than its share of {@code most} states is only cut along the topological order. So there are at
 * most {@code most + n + 1} states. O(n · (n + e) / 64) time and O(n · (n + states) / 64) memory.
 */
final class AntichainGraph {

    /**
     * One place to cut.
     *
     * @param region number of its region; a state of a region holds all those of the regions before
     * @param members the vertices before the cut
     */
    record State(int region, BitSet members) {}

    private final List<List<Integer>> inputs;
    private final List<List<Integer>> consumers = new ArrayList<>();
    private final List<State> states = new ArrayList<>();
    private int simplifiedRegions;

    /**
     * @param inputs for each vertex, in topological order, those that it reads
     * @param most bound on the states of regions with branches
     */
    AntichainGraph(List<List<Integer>> inputs, int most) {
        this.inputs = inputs;
        inputs.forEach(ignored -> consumers.add(new ArrayList<>()));
        for (int vertex = 0; vertex < inputs.size(); vertex++) {
            for (int input : inputs.get(vertex)) {
                consumers.get(input).add(vertex);
            }
        }
        List<Integer> ends = regionEnds();
        int branched = 0;
        int from = 0;
        for (int end : ends) {
            branched += end - from > 1 ? 1 : 0;
            from = end;
        }
        int share = most / Math.max(1, branched);
        states.add(new State(0, new BitSet()));
        from = 0;
        for (int region = 0; region < ends.size(); region++) {
            addRegion(region, from, ends.get(region), share);
            from = ends.get(region);
        }
    }

    /** Where the topological order can be divided so that every state is part of the one before or holds it. */
    private List<Integer> regionEnds() {
        int count = inputs.size();
        List<BitSet> ancestors = new ArrayList<>();
        int[] complete = new int[count]; // how many vertices from the first on are all ancestors
        for (int vertex = 0; vertex < count; vertex++) {
            BitSet own = new BitSet(vertex);
            for (int input : inputs.get(vertex)) {
                own.or(ancestors.get(input));
                own.set(input);
            }
            ancestors.add(own);
            complete[vertex] = own.nextClearBit(0);
        }
        List<Integer> ends = new ArrayList<>();
        int least = Integer.MAX_VALUE;
        for (int vertex = count; vertex >= 1; vertex--) {
            if (vertex == count || Math.min(least, complete[vertex]) >= vertex) {
                ends.add(0, vertex);
            }
            least = vertex == count ? least : Math.min(least, complete[vertex]);
        }
        return ends;
    }

    private void addRegion(int region, int from, int end, int share) {
        Set<BitSet> found = new LinkedHashSet<>(); // one vertex more at a time, so the small ones come first
        Queue<BitSet> open = new ArrayDeque<>();
        BitSet before = new BitSet();
        before.set(0, from);
        open.add(before);
        while (!open.isEmpty() && found.size() <= share) {
            BitSet state = open.remove();
            for (int vertex = state.nextClearBit(from); vertex < end; vertex = state.nextClearBit(vertex + 1)) {
                if (inputs.get(vertex).stream().allMatch(state::get)) {
                    BitSet longer = (BitSet) state.clone();
                    longer.set(vertex);
                    if (found.add(longer)) {
                        open.add(longer);
                    }
                }
            }
        }
        if (end - from > 1 && found.size() > share) {
            simplifiedRegions++;
            found.clear();
            for (int vertex = from; vertex < end; vertex++) {
                BitSet prefix = new BitSet();
                prefix.set(0, vertex + 1);
                found.add(prefix);
            }
        }
        found.forEach(members -> states.add(new State(region, members)));
    }

    /** The states: the empty one first, every one after those that it holds, the whole graph last. */
    List<State> states() {
        return states;
    }

    /** How many regions are only cut along the topological order, because they have too many branches. */
    int simplifiedRegions() {
        return simplifiedRegions;
    }

    /** Whether the first state is part of the second, so that a stage can lie between them. */
    boolean isBefore(int first, int second) {
        if (first >= second) {
            return false;
        }
        State small = states.get(first);
        State large = states.get(second);
        if (first == 0 || small.region() != large.region()) {
            return true;
        }
        BitSet rest = (BitSet) small.members().clone();
        rest.andNot(large.members());
        return rest.isEmpty();
    }

    /** The augmented antichain: what vertices outside of a state read of it. */
    List<Integer> crossing(int state) {
        BitSet members = states.get(state).members();
        return members.stream()
                .filter(vertex -> consumers.get(vertex).stream().anyMatch(consumer -> !members.get(consumer)))
                .boxed()
                .toList();
    }
}
