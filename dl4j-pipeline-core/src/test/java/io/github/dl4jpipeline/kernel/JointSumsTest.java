package io.github.dl4jpipeline.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.TestData;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

class JointSumsTest {
    private static List<MicroBatch> halves() {
        MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 4);
        return MicroBatch.whole(batch.getFeatures(), batch.getLabels(), null, null)
                .split(2);
    }

    @Test
    void eachGoesOnWithTheSumAndItIsKnownHowLongItHasWaited() throws InterruptedException {
        JointSums sums = new JointSums(DataType.DOUBLE, 2, 2);
        sums.begin(halves());
        INDArray first = Nd4j.createFromArray(1.0, 2.0);
        INDArray second = Nd4j.createFromArray(10.0, 20.0);
        Thread early = new Thread(() -> sums.join(0, first), "early");
        early.start();
        while (early.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        sums.join(1, second);
        early.join();
        assertThat(first.toDoubleVector()).containsExactly(11, 22);
        assertThat(second.toDoubleVector()).containsExactly(11, 22);
        assertThat(sums.waitedNanos(0)).isPositive();
        sums.begin(halves());
        assertThat(sums.waitedNanos(0)).isZero();
    }
}
