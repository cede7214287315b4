package io.github.dl4jpipeline.internal.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.TestData;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class MicroBatchTest {
    private static MicroBatch batch(int examples) {
        return MicroBatch.whole(
                new INDArray[] {TestData.values(DataType.FLOAT, 1, examples, 2, 3)},
                new INDArray[] {TestData.values(DataType.FLOAT, 2, examples, 4), null},
                null,
                new INDArray[] {TestData.values(DataType.FLOAT, 3, examples, 4), null});
    }

    @Test
    void partsDifferByAtMostOneExampleAndCoverTheBatch() {
        for (int examples = 1; examples <= 20; examples++) {
            for (int count = 1; count <= 8; count++) {
                List<MicroBatch> parts = batch(examples).split(count);
                assertThat(parts).hasSize(Math.min(count, examples));
                long next = 0;
                for (MicroBatch part : parts) {
                    assertThat(part.first()).isEqualTo(next);
                    assertThat(part.examples()).isBetween((long) examples / count, (long) (examples - 1) / count + 1);
                    assertThat(part.features()[0].shape()).containsExactly(part.examples(), 2, 3);
                    assertThat(part.labels()[1]).isNull();
                    assertThat(part.labelMasks()[0].size(0)).isEqualTo(part.examples());
                    assertThat(part.featureMasks()).isNull();
                    next += part.examples();
                }
                assertThat(next).isEqualTo(examples);
            }
        }
    }

    @Test
    void partsHoldTheRightExamples() {
        MicroBatch whole = batch(7);
        MicroBatch last = whole.split(3).get(2).copy();
        assertThat(last.first()).isEqualTo(4);
        for (int i = 0; i < 3; i++) {
            assertThat(last.features()[0].slice(i)).isEqualTo(whole.features()[0].slice(4 + i));
            assertThat(last.labels()[0].getRow(i)).isEqualTo(whole.labels()[0].getRow(4 + i));
        }
        assertThat(last.features()[0].isView()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(chars = {'c', 'f'})
    void aBatchMayBeAViewOfADataSet(char order) {
        INDArray all = TestData.values(DataType.FLOAT, 1, 20, 2, 3).dup(order);
        for (int first = 0; first <= 13; first++) {
            INDArray features =
                    all.get(NDArrayIndex.interval(first, first + 7), NDArrayIndex.all(), NDArrayIndex.all());
            MicroBatch whole = MicroBatch.whole(new INDArray[] {features}, new INDArray[] {null}, null, null);
            for (MicroBatch part : whole.split(3)) {
                INDArray copy = part.copy().features()[0];
                assertThat(copy.size(0)).isEqualTo(part.examples());
                for (int i = 0; i < part.examples(); i++) {
                    assertThat(copy.slice(i)).isEqualTo(all.slice(first + part.first() + i));
                }
            }
        }
    }

    @Test
    void arraysThatCountDifferentlyAreNotSplit() {
        MicroBatch stacked =
                MicroBatch.whole(new INDArray[] {Nd4j.zeros(12, 3)}, new INDArray[] {Nd4j.zeros(6, 2)}, null, null);
        assertThat(stacked.split(4)).containsExactly(stacked);
    }

    @Test
    void aMaskOfOneValueIsNeverAlone() {
        INDArray values = Nd4j.zeros(5, 3);
        INDArray sequences = Nd4j.zeros(5, 3, 2);
        assertThat(sizes(values, values, null, Nd4j.ones(5, 1))).containsExactly(2L, 3L);
        assertThat(sizes(sequences, values, Nd4j.ones(5, 2), null)).containsExactly(2L, 3L);
        assertThat(sizes(sequences, sequences, Nd4j.ones(5, 2), Nd4j.ones(5, 2)))
                .containsExactly(2L, 3L);
        assertThat(sizes(sequences, sequences, null, Nd4j.ones(5, 2))).containsExactly(1L, 1L, 1L, 1L, 1L);
        assertThat(sizes(values, Nd4j.zeros(5, 6, 1, 1), null, null)).containsExactly(2L, 3L);
        assertThat(sizes(values, Nd4j.zeros(5, 6, 2, 1), null, null)).hasSize(5);
        MicroBatch one = MicroBatch.whole(
                new INDArray[] {Nd4j.zeros(1, 3)}, new INDArray[] {Nd4j.zeros(1, 3)}, null, new INDArray[] {
                    Nd4j.ones(1, 1)
                });
        assertThat(one.split(2)).containsExactly(one);
    }

    private static List<Long> sizes(INDArray features, INDArray labels, INDArray featureMask, INDArray labelMask) {
        return MicroBatch.whole(
                        new INDArray[] {features},
                        new INDArray[] {labels},
                        featureMask == null ? null : new INDArray[] {featureMask},
                        labelMask == null ? null : new INDArray[] {labelMask})
                .split(5)
                .stream()
                .map(MicroBatch::examples)
                .toList();
    }
}
