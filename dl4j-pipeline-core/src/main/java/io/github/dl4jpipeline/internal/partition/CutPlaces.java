package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** The states of an antichain graph that are tried as cuts, and what the search needs to know of them. */
final class CutPlaces {
    private final List<BitSet> members = new ArrayList<>();
    private final List<List<Integer>> crossing = new ArrayList<>();
    private final List<BitSet> after = new ArrayList<>();

    /** @param states indices of the states, the first and the last of the graph among them */
    CutPlaces(AntichainGraph graph, List<Integer> states) {
        for (int i = 0; i < states.size(); i++) {
            members.add(graph.states().get(states.get(i)).members());
            crossing.add(graph.crossing(states.get(i)));
            BitSet larger = new BitSet();
            for (int j = i + 1; j < states.size(); j++) {
                larger.set(j, graph.isBefore(states.get(i), states.get(j)));
            }
            after.add(larger);
        }
    }

    int size() {
        return members.size();
    }

    /** The vertices before a place. */
    BitSet members(int place) {
        return members.get(place);
    }

    /** The vertices between two places. */
    List<Integer> between(int from, int to) {
        BitSet rest = (BitSet) members.get(to).clone();
        rest.andNot(members.get(from));
        return rest.stream().boxed().toList();
    }

    /** The vertices whose outputs cross a place. */
    List<Integer> crossing(int place) {
        return crossing.get(place);
    }

    /** The places at which a stage that begins here can end. */
    BitSet after(int place) {
        return after.get(place);
    }
}
