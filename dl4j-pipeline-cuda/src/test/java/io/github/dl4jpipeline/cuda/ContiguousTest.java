package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ContiguousTest {
    private final INDArray array = Nd4j.linspace(1, 24, 24).reshape(2, 3, 4);

    @Test
    void wholeArraysOfEitherOrder() {
        assertThat(Contiguous.fillsItsBuffer(array)).isTrue();
        assertThat(Contiguous.fillsItsBuffer(array.dup('f'))).isTrue();
        assertThat(Contiguous.fillsItsBuffer(Nd4j.scalar(1.0f))).isTrue();
    }

    @Test
    void otherStridesDoNot() {
        assertThat(Contiguous.fillsItsBuffer(array.permute(1, 0, 2))).isFalse();
    }

    @Test
    void partsOfABufferMayNotTakeAllOfIt() {
        INDArray flat = array.reshape(24);
        INDArray first = flat.get(NDArrayIndex.interval(0, 6));
        assertThat(Contiguous.fillsItsBuffer(first)).isFalse();
        assertThat(Contiguous.fillsItsBuffer(flat.get(NDArrayIndex.interval(0, 2, 24))))
                .isFalse();
    }
}
