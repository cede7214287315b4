package io.github.dl4jpipeline.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PartitionerTest {

    @Test
    void cutsWhereTheSlowestStageIsFastest() {
        double[] costs = {4, 1, 1, 1, 1, 4};
        assertThat(Partitioner.cut(costs, new long[6], new double[] {1, 1})).containsExactly(3, 6);
        assertThat(Partitioner.cut(costs, new long[6], new double[] {1, 1, 1})).containsExactly(1, 5, 6);
    }

    @Test
    void fasterDevicesGetMore() {
        double[] costs = {1, 1, 1, 1, 1, 1};
        assertThat(Partitioner.cut(costs, new long[6], new double[] {1, 2})).containsExactly(2, 6);
        assertThat(Partitioner.cut(costs, new long[6], new double[] {5, 1})).containsExactly(5, 6);
    }

    @Test
    void amongEqualsTheOneThatSendsLeast() {
        double[] costs = {2, 0, 0, 2};
        assertThat(Partitioner.cut(costs, new long[] {9, 5, 7, 0}, new double[] {1, 1}))
                .containsExactly(2, 4);
    }

    @Test
    void noStageIsEmpty() {
        assertThat(Partitioner.cut(new double[] {0, 5, 0}, new long[3], new double[] {1, 1, 1}))
                .containsExactly(1, 2, 3);
        assertThatThrownBy(() -> Partitioner.cut(new double[] {1, 2}, new long[2], new double[] {1, 1, 1}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Cannot cut 2 vertices into 3 stages; between 1 and 2 are possible");
    }

    @Test
    void equalsBruteForce() {
        Random random = new Random(7);
        for (int round = 0; round < 500; round++) {
            int vertices = 1 + random.nextInt(9);
            int stages = 1 + random.nextInt(vertices);
            double[] costs = random.doubles(vertices, 0, 10).toArray();
            long[] bytes = random.longs(vertices, 0, 5).toArray();
            double[] speeds = random.doubles(stages, 0.5, 3).toArray();
            if (round % 3 == 0) {
                Arrays.setAll(costs, i -> random.nextInt(3)); // many equal partitions
                Arrays.fill(speeds, 1);
            }
            int[] ends = Partitioner.cut(costs, bytes, speeds);
            double[] best = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
            search(costs, bytes, speeds, new int[stages], 0, 0, best);
            assertThat(bottleneck(costs, speeds, ends)).isCloseTo(best[0], within(1e-12));
            assertThat(bytes(bytes, ends)).isCloseTo(best[1], within(1e-12));
        }
    }

    @Test
    void largeGraphs() {
        double[] costs = new Random(1).doubles(2_000, 0, 1).toArray();
        int[] ends = Partitioner.cut(costs, new long[2_000], new double[] {1, 1, 1, 1, 1, 1, 1, 1});
        double ideal = Arrays.stream(costs).sum() / 8;
        assertThat(bottleneck(costs, new double[] {1, 1, 1, 1, 1, 1, 1, 1}, ends))
                .isBetween(ideal, ideal + 1);
    }

    /** Tries every way to cut; best[0] is the bottleneck, best[1] the fewest bytes with it. */
    private static void search(
            double[] costs, long[] bytes, double[] speeds, int[] ends, int stage, int from, double[] best) {
        if (stage == speeds.length - 1) {
            ends[stage] = costs.length;
            double bottleneck = bottleneck(costs, speeds, ends);
            double sent = bytes(bytes, ends);
            if (bottleneck < best[0] - 1e-12 || (bottleneck < best[0] + 1e-12 && sent < best[1])) {
                best[0] = Math.min(best[0], bottleneck);
                best[1] = sent;
            }
            return;
        }
        for (int end = from + 1; end <= costs.length - (speeds.length - stage - 1); end++) {
            ends[stage] = end;
            search(costs, bytes, speeds, ends, stage + 1, end, best);
        }
    }

    private static double bottleneck(double[] costs, double[] speeds, int[] ends) {
        double worst = 0;
        int from = 0;
        for (int stage = 0; stage < ends.length; stage++) {
            double sum = 0;
            for (int i = from; i < ends[stage]; i++) {
                sum += costs[i];
            }
            worst = Math.max(worst, sum / speeds[stage]);
            from = ends[stage];
        }
        return worst;
    }

    private static double bytes(long[] bytes, int[] ends) {
        double sum = 0;
        for (int stage = 0; stage < ends.length - 1; stage++) {
            sum += bytes[ends[stage] - 1];
        }
        return sum;
    }
}
