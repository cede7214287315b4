package io.github.dl4jpipeline.internal.partition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AntichainGraphTest {

    @Test
    void aChainHasAStateForEachVertexBesidesTheEmptyOne() {
        List<List<Integer>> chain = IntStream.range(0, 20)
                .mapToObj(vertex -> vertex == 0 ? List.<Integer>of() : List.of(vertex - 1))
                .toList();
        AntichainGraph graph = new AntichainGraph(chain, 1000);
        assertThat(graph.states()).hasSize(21);
        assertThat(graph.crossing(7)).containsExactly(6);
        assertThat(graph.isBefore(3, 4)).isTrue();
        assertThat(graph.isBefore(4, 4)).isFalse();
        assertThat(graph.simplifiedRegions()).isZero();
    }

    @Test
    void branchesMultiplyAndSkipConnectionsCross() {
        // 0 -> 1 -> 2 -> 5, 0 -> 3 -> 4 -> 5, 0 -> 5
        AntichainGraph graph = new AntichainGraph(
                List.of(List.of(), List.of(0), List.of(1), List.of(0), List.of(3), List.of(2, 4, 0)), 1000);
        assertThat(graph.states()).hasSize(1 + 3 * 3 + 1); // empty; after 0, times the branches; everything
        int both = indexOf(graph, List.of(0, 1, 2, 3));
        assertThat(graph.crossing(both)).containsExactly(0, 2, 3);
        assertThat(graph.isBefore(indexOf(graph, List.of(0, 1)), indexOf(graph, List.of(0, 3))))
                .isFalse();
        assertThat(graph.isBefore(indexOf(graph, List.of(0, 1)), both)).isTrue();
    }

    private static int indexOf(AntichainGraph graph, List<Integer> members) {
        return graph.states().stream()
                .map(state -> state.members().stream().boxed().toList())
                .toList()
                .indexOf(members);
    }

    @Test
    void everyPredecessorClosedSetIsAState() {
        Random random = new Random(3);
        for (int round = 0; round < 200; round++) {
            List<List<Integer>> inputs = randomInputs(random, 1 + random.nextInt(9));
            Set<Long> expected = new HashSet<>();
            for (long set = 0; set < 1L << inputs.size(); set++) {
                if (isClosed(inputs, set)) {
                    expected.add(set);
                }
            }
            AntichainGraph graph = new AntichainGraph(inputs, 10_000);
            List<Long> found = graph.states().stream()
                    .map(state -> state.members().stream()
                            .mapToLong(vertex -> 1L << vertex)
                            .sum())
                    .toList();
            assertThat(found).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(expected);
            for (int i = 0; i < found.size(); i++) {
                for (int j = 0; j < found.size(); j++) {
                    boolean subset = i != j && (found.get(i) & ~found.get(j)) == 0;
                    assertThat(graph.isBefore(i, j)).isEqualTo(subset);
                }
            }
        }
    }

    @Test
    void tooManyBranchesAreCutAlongTheOrderOnly() {
        List<List<Integer>> inputs = new ArrayList<>();
        inputs.add(List.of());
        for (int vertex = 1; vertex <= 30; vertex++) {
            inputs.add(List.of(0));
        }
        inputs.add(IntStream.rangeClosed(1, 30).boxed().toList());
        AntichainGraph graph = new AntichainGraph(inputs, 1000);
        assertThat(graph.simplifiedRegions()).isEqualTo(1);
        assertThat(graph.states()).hasSize(33);
        assertThat(graph.states().get(32).members().cardinality()).isEqualTo(32);
    }

    /** For each vertex those that it reads: a random part of the ones before it. */
    static List<List<Integer>> randomInputs(Random random, int count) {
        double density = random.nextDouble();
        List<List<Integer>> inputs = new ArrayList<>();
        for (int vertex = 0; vertex < count; vertex++) {
            inputs.add(IntStream.range(0, vertex)
                    .filter(input -> random.nextDouble() < density)
                    .boxed()
                    .toList());
        }
        return inputs;
    }

    private static boolean isClosed(List<List<Integer>> inputs, long set) {
        return IntStream.range(0, inputs.size())
                .filter(vertex -> (set >> vertex & 1) == 1)
                .allMatch(vertex -> inputs.get(vertex).stream().allMatch(input -> (set >> input & 1) == 1));
    }
}
