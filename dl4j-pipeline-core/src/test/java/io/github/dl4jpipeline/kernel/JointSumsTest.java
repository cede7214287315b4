package io.github.dl4jpipeline.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.TestData;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class JointSumsTest {
    private static List<MicroBatch> halves() {
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 4);
        return MicroBatch.whole(batch.getFeatures(), batch.getLabels(), null, null)
                .split(2);
    }

    @Test
    void eachGoesOnWithTheSumAndItIsKnownHowLongItHasWaited() throws InterruptedException {
        JointMicroBatches together = new JointMicroBatches(2);
        JointSums sums = new JointSums(together, 2);
        together.begin(halves());
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
        together.begin(halves());
        assertThat(together.waitedNanos(0)).isZero();
    }
}
