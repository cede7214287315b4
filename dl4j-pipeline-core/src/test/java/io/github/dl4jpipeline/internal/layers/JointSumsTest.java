package io.github.dl4jpipeline.internal.layers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class JointSumsTest {
    private static final List<Rows.Range> HALVES = List.of(new Rows.Range(0, 4), new Rows.Range(4, 8));

    @Test
    void eachGoesOnWithTheSumAndItIsKnownHowLongItHasWaited() throws InterruptedException {
        MicroBatchBarrier together = new MicroBatchBarrier(2);
        JointSums sums = new JointSums(together, 2);
        together.begin(HALVES);
        CompletableFuture<double[]> first = new CompletableFuture<>();
        Thread early = new Thread(() -> first.complete(sums.join(0, new double[] {1, 2})), "early");
        early.start();
        while (early.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertThat(sums.join(1, new double[] {10, 20})).containsExactly(11, 22);
        early.join();
        assertThat(first).isCompletedWithValueMatching(joined -> Arrays.equals(joined, new double[] {11, 22}));
        assertThat(together.waitedNanos(0)).isPositive();
        together.begin(HALVES);
        assertThat(together.waitedNanos(0)).isZero();
    }
}
