package io.github.dl4jpipeline.internal.inference;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class ForwardScheduleTest {
    private static final ComputationGraphConfiguration RESIDUAL = TestGraphs.residual(DataType.FLOAT, true);

    private static VertexGraph vertices(ComputationGraphConfiguration configuration) {
        return VertexGraph.of(graph(configuration));
    }

    /** One millisecond for each vertex but the inputs. */
    private static double[] unit(VertexGraph vertices) {
        double[] millis = new double[vertices.size()];
        Arrays.fill(millis, 1);
        vertices.vertices().stream()
                .filter(vertex -> vertex.inputs().isEmpty())
                .forEach(input -> millis[input.position()] = 0);
        return millis;
    }

    @Test
    void putsBranchesOnDifferentWorkers() {
        VertexGraph vertices = vertices(BranchSplitter.branches(2).split(RESIDUAL));
        double[] millis = unit(vertices);
        double all = Arrays.stream(millis).sum();
        ForwardSchedule schedule = ForwardSchedule.of(vertices, millis, 2, 0.25);
        // Merge vertex and output follow both branches, after a handover.
        assertThat(schedule.millis()).isEqualTo((all - 2) / 2 + 2 + 0.25);
        assertThat(schedule.positions()).hasSize(2);
    }

    @Test
    void keepsAChainOnOneWorker() {
        VertexGraph chain = vertices(TestGraphs.leNet(DataType.FLOAT));
        ForwardSchedule schedule = ForwardSchedule.of(chain, unit(chain), 4, 0);
        assertThat(schedule.positions()).hasSize(1);
        assertThat(schedule.positions().get(0)).hasSize(chain.size()).isSorted();
        assertThat(ForwardSchedule.hasIndependentVertices(chain)).isFalse();
        assertThat(ForwardSchedule.hasIndependentVertices(vertices(RESIDUAL))).isTrue();
    }

    @Test
    void handsNothingOverWhereThatCostsMore() {
        VertexGraph vertices = vertices(RESIDUAL);
        double[] millis = unit(vertices);
        ForwardSchedule schedule = ForwardSchedule.of(vertices, millis, 2, 100);
        assertThat(schedule.positions()).hasSize(1);
        assertThat(schedule.millis()).isCloseTo(Arrays.stream(millis).sum(), within(1e-9));
    }

    @Test
    void runsEveryVertexOnceAndAfterItsInputs() {
        Random random = new Random(1);
        VertexGraph vertices = vertices(BranchSplitter.branches(3).split(RESIDUAL));
        for (int workers = 1; workers <= 4; workers++) {
            double[] millis = random.doubles(vertices.size(), 0, 1).toArray();
            assertRuns(vertices, ForwardSchedule.of(vertices, millis, workers, 0.05));
            assertRuns(vertices, ForwardSchedule.of(vertices, new double[vertices.size()], workers, 0));
        }
    }

    /** Runs the workers' lists as far as they go, each vertex as soon as its inputs have run. */
    private static void assertRuns(VertexGraph vertices, ForwardSchedule schedule) {
        List<Integer> all = schedule.positions().stream().flatMap(List::stream).toList();
        assertThat(all).hasSize(vertices.size()).doesNotHaveDuplicates();
        boolean[] done = new boolean[vertices.size()];
        int[] next = new int[schedule.positions().size()];
        int ran = 0;
        for (boolean moved = true; moved; ) {
            moved = false;
            for (int worker = 0; worker < next.length; worker++) {
                List<Integer> own = schedule.positions().get(worker);
                while (next[worker] < own.size()
                        && vertices.get(own.get(next[worker])).inputs().stream().allMatch(input -> done[input])) {
                    done[own.get(next[worker]++)] = true;
                    ran++;
                    moved = true;
                }
            }
        }
        assertThat(ran).as("vertices that could run").isEqualTo(vertices.size());
    }
}
